-- grain: one row per loss of a milestone
-- key: subject_key, code, lost_by_age_days
-- Regression: when a milestone was lost, in (lost_after, lost_by], and when it came back, in (regained_after,
-- regained_by]; null ends are open. What comes back under treatment is not thereby shown to come back through it.
WITH turned AS (
    SELECT *
    FROM research.milestone_looks
    WHERE state = 'lost' AND NOT was_lost
),

returned AS (
    SELECT t.subject_key, t.code, t.age_days, min(k.age_days) AS regained_by_age_days
    FROM turned AS t
    INNER JOIN research.milestone_looks AS k
        ON t.subject_key = k.subject_key AND t.code = k.code AND k.age_days > t.age_days
    WHERE k.state = 'regained'
    GROUP BY t.subject_key, t.code, t.age_days
),

away AS (
    SELECT t.subject_key, t.code, t.age_days, max(k.age_days) AS regained_after_age_days
    FROM turned AS t
    INNER JOIN research.milestone_looks AS k
        ON t.subject_key = k.subject_key AND t.code = k.code AND k.age_days >= t.age_days
    LEFT JOIN returned AS r ON t.subject_key = r.subject_key AND t.code = r.code AND t.age_days = r.age_days
    WHERE k.state = 'lost' AND (r.regained_by_age_days IS NULL OR k.age_days < r.regained_by_age_days)
    GROUP BY t.subject_key, t.code, t.age_days
)

SELECT
    t.subject_key,
    t.site,
    t.code,
    CASE WHEN r.regained_by_age_days IS NULL THEN 'lost' ELSE 'regained' END AS state,
    t.last_held_age_days AS lost_after_age_days,
    t.age_days AS lost_by_age_days,
    t.study_day AS lost_by_study_day,
    a.regained_after_age_days,
    r.regained_by_age_days,
    r.regained_by_age_days - t.age_days + t.study_day AS regained_by_study_day,
    t.record_key
FROM turned AS t
INNER JOIN away AS a ON t.subject_key = a.subject_key AND t.code = a.code AND t.age_days = a.age_days
LEFT JOIN returned AS r ON t.subject_key = r.subject_key AND t.code = r.code AND t.age_days = r.age_days
