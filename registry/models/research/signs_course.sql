-- grain: one row per sign of an infant and day on which it was seen
-- key: subject_key, code, age_days
-- A sign runs from the day it is seen until the next day on which it is reported resolved or absent. Seen and gone on
-- one day counts as seen.
WITH observed AS (
    SELECT
        subject_key,
        site,
        code,
        age_days,
        max(age_months) AS age_months,
        bool_or(status = 'present') AS is_present,
        min(onset_age_days) FILTER (WHERE status = 'present') AS onset_age_days,
        min(record_key) FILTER (WHERE status = 'present') AS record_key
    FROM core.symptoms
    WHERE age_days IS NOT NULL
    GROUP BY subject_key, site, code, age_days
),

followed AS (
    SELECT
        *,
        min(CASE WHEN NOT is_present THEN age_days END) OVER (
            PARTITION BY subject_key, code ORDER BY age_days ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        ) AS gone_age_days
    FROM observed
)

SELECT
    f.subject_key,
    f.site,
    f.code,
    s.class AS sign_class,
    f.age_days,
    f.age_months,
    f.onset_age_days,
    f.gone_age_days,
    f.age_days - t.treatment_start_age_days AS study_day,
    f.record_key
FROM followed AS f
INNER JOIN definitions.sign AS s ON f.code = s.code
INNER JOIN research.treatment AS t ON f.subject_key = t.subject_key
WHERE f.is_present
