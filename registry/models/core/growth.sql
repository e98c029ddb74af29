-- grain: one row per visit at which the child was measured
-- key: record_key
-- As measured; z-scores belong to later models.
SELECT
    e.subject_key,
    e.site,
    e.record_key,
    e.weight_g,
    e.length_cm,
    e.position,
    e.head_circumference_cm,
    e.oedema AS has_oedema,
    (e.measured_date - s.birth_date)::INTEGER AS age_days,
    date_sub('month', s.birth_date, e.measured_date)::INTEGER AS age_months,
    (extract('hour' FROM e.measured_at AT TIME ZONE z.time_zone) * 60
    + extract('minute' FROM e.measured_at AT TIME ZONE z.time_zone))::INTEGER AS minute_of_day,
    e.measured_precision
FROM staging.current_growth AS e
INNER JOIN staging.current_enrolment AS s ON e.site = s.site AND e.subject_key = s.subject_key
INNER JOIN staging.sites AS z ON e.site = z.site
