-- grain: one row per period of feeding that a site reported
-- key: record_key
-- Ages in days of the infant; an open period has no end.
SELECT
    e.subject_key,
    e.site,
    e.record_key,
    e.infant,
    e.infant IN (SELECT code FROM definitions.infant_feeding WHERE is_breastfed) AS is_breastfed,
    e.animal_source_food,
    e.mother_diet,
    e.maternal_b12_ug_per_day,
    (e.start_date - s.birth_date)::INTEGER AS start_age_days,
    e.start_precision,
    (e.end_date - s.birth_date)::INTEGER AS end_age_days,
    e.end_precision
FROM staging.current_feeding AS e
INNER JOIN staging.current_enrolment AS s ON e.site = s.site AND e.subject_key = s.subject_key
