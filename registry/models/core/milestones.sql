-- grain: one row per milestone that was looked for on a day
-- key: record_key
-- Ages are chronological; core.subjects holds what a corrected age takes off.
SELECT
    e.subject_key,
    e.site,
    e.record_key,
    e.code,
    e.status,
    (e.observed_date - s.birth_date)::INTEGER AS age_days,
    date_sub('month', s.birth_date, e.observed_date)::INTEGER AS age_months,
    (extract('hour' FROM e.observed_at AT TIME ZONE z.time_zone) * 60
    + extract('minute' FROM e.observed_at AT TIME ZONE z.time_zone))::INTEGER AS minute_of_day,
    e.observed_precision,
    (e.attained_date - s.birth_date)::INTEGER AS attained_age_days,
    e.attained_precision,
    e.source
FROM staging.current_milestone AS e
INNER JOIN staging.current_enrolment AS s ON e.site = s.site AND e.subject_key = s.subject_key
INNER JOIN staging.sites AS z ON e.site = z.site
