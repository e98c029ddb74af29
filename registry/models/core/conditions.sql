-- grain: one row per diagnosis, comorbidity, exclusion, adverse event or procedure
-- key: record_key
-- Ages are the infant's, also of a condition of the mother.
SELECT
    e.subject_key,
    e.site,
    e.record_key,
    e.person,
    e.code,
    e.category,
    (e.onset_date - s.birth_date)::INTEGER AS onset_age_days,
    e.onset_precision,
    (e.resolved_date - s.birth_date)::INTEGER AS resolved_age_days,
    e.resolved_precision
FROM staging.current_condition AS e
INNER JOIN staging.current_enrolment AS s ON e.site = s.site AND e.subject_key = s.subject_key
