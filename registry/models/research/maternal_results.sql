-- grain: one row per laboratory result of a mother
-- key: record_key
-- Twins and siblings share a mother: a result that is reported under several of them, of the same day, is one.
WITH told AS (
    SELECT
        u.family_key,
        l.*,
        -- The same day for all her children, whatever their ages; it does not leave this model.
        l.age_days - o.cut_off_age_days AS day
    FROM core.lab_results AS l
    INNER JOIN core.subjects AS u ON l.subject_key = u.subject_key
    INNER JOIN staging.observed AS o ON l.subject_key = o.subject_key
    WHERE l.person = 'mother'
),

counted AS (
    -- Two equal results of one day, under one child, are two.
    SELECT
        *,
        row_number() OVER (
            PARTITION BY subject_key, day, analyte, value, comparator, unit, specimen, is_usable ORDER BY record_key
        ) AS occurrence
    FROM told
)

SELECT
    min(record_key) AS record_key,
    family_key,
    min(site) AS site,
    analyte,
    value,
    comparator,
    unit,
    specimen,
    is_usable,
    min(unusable_reason) AS unusable_reason,
    list(subject_key ORDER BY subject_key) AS subject_keys,
    list(age_days ORDER BY subject_key) AS ages,
    list(record_key ORDER BY subject_key) AS record_keys
FROM counted
GROUP BY family_key, day, analyte, value, comparator, unit, specimen, is_usable, occurrence
