-- grain: one row per period for which a mother's diet or daily B12 intake is reported
-- key: record_key
-- Twins and siblings share a mother: a period that is reported under several of them, with the same days, diet and
-- intake, is one.
WITH told AS (
    SELECT
        u.family_key,
        f.*,
        -- The same day for all her children, whatever their ages; it does not leave this model.
        f.start_age_days - o.cut_off_age_days AS start_day,
        f.end_age_days - o.cut_off_age_days AS end_day
    FROM core.feeding AS f
    INNER JOIN core.subjects AS u ON f.subject_key = u.subject_key
    INNER JOIN staging.observed AS o ON f.subject_key = o.subject_key
    WHERE f.mother_diet IS NOT NULL OR f.maternal_b12_ug_per_day IS NOT NULL
)

SELECT
    min(record_key) AS record_key,
    family_key,
    min(site) AS site,
    mother_diet,
    maternal_b12_ug_per_day,
    (end_day - start_day + 1)::INTEGER AS period_days,
    list(DISTINCT subject_key ORDER BY subject_key) AS subject_keys,
    list(DISTINCT record_key ORDER BY record_key) AS record_keys
FROM told
GROUP BY family_key, start_day, end_day, mother_diet, maternal_b12_ug_per_day
