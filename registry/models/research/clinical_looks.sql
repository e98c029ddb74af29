-- grain: one row per treated infant, sign or milestone that may recover, and day on which it was looked for
-- key: subject_key, item, code, study_day
-- Signs of the classes of definitions.recovery_sign_class, and milestones: abnormal is a sign that is there and a
-- milestone that is not. What is not yet there has not come back; only a milestone that was lost is to be regained.
WITH look AS (
    SELECT
        s.subject_key,
        'sign' AS item,
        s.code,
        s.study_day,
        s.is_present AS is_abnormal,
        s.is_present AS is_to_recover,
        s.onset_age_days - s.age_days + s.study_day AS onset_study_day
    FROM research.sign_looks AS s
    INNER JOIN definitions.recovery_sign_class AS k ON s.sign_class = k.code
    UNION ALL
    SELECT
        m.subject_key,
        'milestone' AS item,
        m.code,
        m.study_day,
        NOT s.is_held AS is_abnormal,
        s.is_attained AND NOT s.is_held AS is_to_recover,
        NULL AS onset_study_day
    FROM research.milestone_looks AS m
    INNER JOIN definitions.milestone_status AS s ON m.status = s.code
)

SELECT
    subject_key,
    item,
    code,
    study_day,
    is_abnormal,
    is_to_recover,
    onset_study_day,
    min(CASE WHEN NOT is_abnormal THEN study_day END) OVER (
        PARTITION BY subject_key, item, code ORDER BY study_day ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
    ) AS gone_study_day
FROM look
WHERE study_day IS NOT NULL
