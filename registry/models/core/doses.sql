-- grain: one row per dose given, missed or refused
-- key: record_key
-- A missed or refused dose has only the age at which it was due.
SELECT
    e.subject_key,
    e.site,
    e.record_key,
    e.person,
    e.compound,
    e.compound IN (SELECT code FROM definitions.compound WHERE has_b12) AS is_b12,
    e.route,
    e.ug,
    e.status,
    e.purpose,
    (e.scheduled_date - s.birth_date)::INTEGER AS scheduled_age_days,
    e.scheduled_precision,
    (e.given_date - s.birth_date)::INTEGER AS age_days,
    date_sub('month', s.birth_date, e.given_date)::INTEGER AS age_months,
    (extract('hour' FROM e.given_at AT TIME ZONE z.time_zone) * 60
    + extract('minute' FROM e.given_at AT TIME ZONE z.time_zone))::INTEGER AS minute_of_day,
    e.given_precision
FROM staging.current_dose AS e
INNER JOIN staging.current_enrolment AS s ON e.site = s.site AND e.subject_key = s.subject_key
INNER JOIN staging.sites AS z ON e.site = z.site
