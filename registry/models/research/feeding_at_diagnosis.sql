-- grain: one row per definition and infant who was diagnosed by its site, or has an index date
-- key: definition, subject_key
-- How the infant was fed and what its mother ate on the day of diagnosis: the reported one, else the index date of the
-- case. Each answer is that of the latest period that holds the day and gives it; what was reported of other days says
-- nothing of this one.
WITH diagnosed AS (
    SELECT
        c.definition,
        c.subject_key,
        c.site,
        u.family_key,
        u.diagnosed_age_days IS NULL AS is_index_date,
        coalesce(u.diagnosed_age_days, c.index_age_days) AS diagnosis_age_days
    FROM research.cases AS c
    INNER JOIN core.subjects AS u ON c.subject_key = u.subject_key
    WHERE u.person = 'infant' AND coalesce(u.diagnosed_age_days, c.index_age_days) IS NOT NULL
)

SELECT
    d.definition,
    d.subject_key,
    d.site,
    d.family_key,
    d.diagnosis_age_days,
    d.is_index_date,
    arg_max(f.infant, (f.start_age_days, f.record_key)) AS infant_feeding,
    arg_max(f.is_breastfed, (f.start_age_days, f.record_key)) AS is_breastfed,
    arg_max(f.animal_source_food, (f.start_age_days, f.record_key)) AS animal_source_food,
    arg_max(f.mother_diet, (f.start_age_days, f.record_key)) AS mother_diet,
    arg_max(m.is_vegetarian, (f.start_age_days, f.record_key)) AS is_mother_vegetarian,
    arg_max(f.maternal_b12_ug_per_day, (f.start_age_days, f.record_key)) AS maternal_b12_ug_per_day,
    coalesce(list(f.record_key ORDER BY f.record_key) FILTER (WHERE f.record_key IS NOT NULL), []) AS record_keys
FROM diagnosed AS d
LEFT JOIN core.feeding AS f
    ON
        d.subject_key = f.subject_key
        AND f.start_age_days <= d.diagnosis_age_days
        AND coalesce(f.end_age_days >= d.diagnosis_age_days, TRUE)
LEFT JOIN definitions.maternal_diet AS m ON f.mother_diet = m.code
GROUP BY d.definition, d.subject_key, d.site, d.family_key, d.diagnosis_age_days, d.is_index_date
