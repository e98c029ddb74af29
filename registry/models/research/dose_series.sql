-- grain: one row per B12 dose of an infant, given, missed or refused
-- key: record_key
-- The infant's own doses in their order. A dose that was not given stands at the day on which it was due; without one it
-- has no place in the order.
WITH placed AS (
    SELECT d.*, coalesce(d.age_days, d.scheduled_age_days) AS series_age_days
    FROM core.doses AS d
    INNER JOIN core.subjects AS u ON d.subject_key = u.subject_key
    WHERE d.is_b12 AND d.person = 'infant' AND u.person = 'infant'
)

SELECT
    p.subject_key,
    p.site,
    p.record_key,
    CASE
        WHEN p.series_age_days IS NOT NULL
            THEN row_number() OVER (
                PARTITION BY p.subject_key ORDER BY p.series_age_days NULLS LAST, p.minute_of_day, p.record_key
            )::INTEGER
    END AS dose_number,
    p.compound,
    p.route,
    p.ug,
    p.status,
    p.purpose,
    coalesce(b.is_therapeutic, FALSE) AS is_therapeutic,
    p.scheduled_age_days,
    p.age_days,
    (p.series_age_days - t.treatment_start_age_days)::INTEGER AS study_day,
    (
        p.series_age_days
        - max(p.age_days) OVER (
            PARTITION BY p.subject_key
            ORDER BY p.series_age_days NULLS LAST, p.minute_of_day, p.record_key
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
    )::INTEGER AS since_given_days
FROM placed AS p
INNER JOIN research.treatment AS t ON p.subject_key = t.subject_key
LEFT JOIN research.b12_doses AS b ON p.record_key = b.record_key
