-- grain: one row per reported state of a subject
-- key: record_key
-- Where the subject stands in the study, and since what age.
SELECT
    e.subject_key,
    e.site,
    e.record_key,
    e.state,
    (e.effective_date - s.birth_date)::INTEGER AS effective_age_days,
    e.effective_precision,
    (e.last_contact_date - s.birth_date)::INTEGER AS last_contact_age_days,
    e.last_contact_precision
FROM staging.current_status AS e
INNER JOIN staging.current_enrolment AS s ON e.site = s.site AND e.subject_key = s.subject_key
