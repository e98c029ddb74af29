-- grain: one row per site and subject with a current enrolment
-- key: site, subject_key
-- What the row rules may ask of the enrolment beside an event.
SELECT e.site, e.subject_key, e.delivery, e.birth_date, e.birth_precision
FROM staging.lake_enrolment AS e
LEFT JOIN staging.identity AS i ON e.delivery = i.delivery
WHERE i.verdict IS NULL
