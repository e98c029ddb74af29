-- grain: one row per treated infant, dimension at risk and study day on which it was looked at
-- key: subject_key, dimension, study_day
-- Each dimension as states over time, on every day and not only at visits. What a day leaves undecided a visit may
-- decide, whose parts lie further apart: then its state holds on its latest day.
WITH course AS (
    SELECT subject_key, dimension, study_day, state FROM research.recovery_course_blood
    UNION ALL
    SELECT subject_key, 'developmental' AS dimension, study_day, state FROM research.recovery_course_developmental
    UNION ALL
    SELECT subject_key, 'clinical' AS dimension, study_day, state FROM research.recovery_course_clinical
    UNION ALL
    SELECT subject_key, dimension, study_day, state FROM research.recovery_imaging
    WHERE state IN ('recovered', 'not_recovered')
),

visit AS (
    SELECT subject_key, dimension, study_day, state FROM research.recovery_blood
    UNION ALL
    SELECT subject_key, dimension, study_day, state FROM research.recovery_developmental
    UNION ALL
    SELECT subject_key, dimension, study_day, state FROM research.recovery_clinical
),

decided AS (
    SELECT
        subject_key,
        dimension,
        study_day,
        CASE WHEN state = 'recovered' THEN state ELSE 'not_recovered' END AS state
    FROM visit
    WHERE state IN ('recovered', 'improved', 'not_recovered')
)

SELECT
    c.subject_key,
    u.site,
    c.dimension,
    c.study_day,
    CASE WHEN c.state = 'undecided' THEN coalesce(v.state, c.state) ELSE c.state END AS state,
    c.state = 'undecided' AND v.state IS NOT NULL AS is_by_visit
FROM course AS c
INNER JOIN core.subjects AS u ON c.subject_key = u.subject_key
LEFT JOIN decided AS v ON c.subject_key = v.subject_key AND c.dimension = v.dimension AND c.study_day = v.study_day
