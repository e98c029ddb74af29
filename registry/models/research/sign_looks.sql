-- grain: one row per sign of an infant and day on which it was looked for
-- key: subject_key, code, age_days
-- What was seen of a sign on a day, beside the days around it on which it was not there. Seen and gone on one day counts
-- as seen.
WITH daily AS (
    SELECT
        subject_key,
        site,
        code,
        age_days,
        max(age_months) AS age_months,
        bool_or(status = 'present') AS is_present,
        min(onset_age_days) FILTER (WHERE status = 'present') AS onset_age_days,
        list_sort(list(DISTINCT severity) FILTER (WHERE status = 'present' AND severity IS NOT NULL)) AS severities,
        arg_min(record_key, (status <> 'present', record_key)) AS record_key
    FROM core.symptoms
    WHERE age_days IS NOT NULL
    GROUP BY subject_key, site, code, age_days
),

followed AS (
    SELECT
        *,
        max(CASE WHEN NOT is_present THEN age_days END) OVER (
            PARTITION BY subject_key, code ORDER BY age_days ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS absent_before_age_days,
        min(CASE WHEN NOT is_present THEN age_days END) OVER (
            PARTITION BY subject_key, code ORDER BY age_days ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        ) AS absent_after_age_days
    FROM daily
)

SELECT
    f.subject_key,
    f.site,
    f.code,
    s.class AS sign_class,
    f.age_days,
    f.age_months,
    f.age_days - t.treatment_start_age_days AS study_day,
    f.is_present,
    f.onset_age_days,
    coalesce(f.severities, []) AS severities,
    f.absent_before_age_days,
    f.absent_after_age_days,
    f.record_key
FROM followed AS f
INNER JOIN definitions.sign AS s ON f.code = s.code
INNER JOIN research.treatment AS t ON f.subject_key = t.subject_key
