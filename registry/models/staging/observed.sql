-- grain: one row per subject with a current, included enrolment
-- key: subject_key
-- How old each subject is on the day that every answer is as of. It stays with the operators: beside the cut-off, which
-- everyone knows, an age in days is a date of birth.
SELECT e.subject_key, e.site, (b.cut_off - e.birth_date)::INTEGER AS cut_off_age_days
FROM staging.current_enrolment AS e
CROSS JOIN staging.build AS b
