-- grain: one row per score of one domain of one instrument
-- key: record_key
-- Scores are comparable only within one instrument, edition, domain and score type.
SELECT
    e.subject_key,
    e.site,
    e.record_key,
    e.instrument,
    e.edition,
    e.domain,
    e.score_type,
    e.score,
    e.category,
    e.comparator,
    e.sem,
    e.interval_low,
    e.interval_high,
    e.age_used,
    e.status,
    e.blinded AS is_blinded,
    (e.assessed_date - s.birth_date)::INTEGER AS age_days,
    date_sub('month', s.birth_date, e.assessed_date)::INTEGER AS age_months,
    (extract('hour' FROM e.assessed_at AT TIME ZONE z.time_zone) * 60
    + extract('minute' FROM e.assessed_at AT TIME ZONE z.time_zone))::INTEGER AS minute_of_day,
    e.assessed_precision
FROM staging.current_assessment AS e
INNER JOIN staging.current_enrolment AS s ON e.site = s.site AND e.subject_key = s.subject_key
INNER JOIN staging.sites AS z ON e.site = z.site
