-- grain: one row per treated infant and study day after the first dose on which signs or milestones were looked at
-- key: subject_key, study_day
-- Whether every sign has gone and every lost milestone has come back by a day, a tremor of treatment among them from the
-- day on which it was first seen. What had gone stays gone until it is seen again.
WITH part AS (
    SELECT DISTINCT subject_key, item, code, basis, first_study_day
    FROM research.recovery_signs
),

at_risk AS (
    SELECT DISTINCT subject_key FROM part
    WHERE basis = 'baseline'
),

day AS (
    SELECT DISTINCT d.subject_key, d.study_day
    FROM research.clinical_looks AS d
    INNER JOIN at_risk AS r ON d.subject_key = r.subject_key
    WHERE d.study_day > 0
),

asked AS (
    SELECT y.subject_key, y.study_day, p.item, p.code
    FROM day AS y
    INNER JOIN part AS p ON y.subject_key = p.subject_key
    WHERE p.basis = 'baseline' OR p.first_study_day <= y.study_day
),

answered AS (
    SELECT
        a.subject_key,
        a.study_day,
        -- Present, and not looked for today: not known.
        CASE WHEN NOT d.is_abnormal THEN TRUE WHEN d.study_day = a.study_day THEN FALSE END AS is_gone
    FROM asked AS a
    ASOF LEFT JOIN research.clinical_looks AS d
        ON a.subject_key = d.subject_key AND a.item = d.item AND a.code = d.code AND a.study_day >= d.study_day
)

SELECT
    subject_key,
    study_day,
    CASE
        WHEN bool_or(coalesce(NOT is_gone, FALSE)) THEN 'not_recovered'
        WHEN bool_and(coalesce(is_gone, FALSE)) THEN 'recovered'
        ELSE 'undecided'
    END AS state
FROM answered
GROUP BY subject_key, study_day
