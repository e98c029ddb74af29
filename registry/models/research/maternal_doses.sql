-- grain: one row per B12 dose of a mother, given, missed or refused
-- key: record_key
-- Twins and siblings share a mother: a dose that is reported under several of them, on the same day, is one. Days are
-- counted from the mother's first dose, for her children have ages of their own.
WITH told AS (
    SELECT
        u.family_key,
        d.*,
        coalesce(d.age_days, d.scheduled_age_days) AS series_age_days,
        -- The same day for all her children, whatever their ages; only differences of it leave this model.
        coalesce(d.age_days, d.scheduled_age_days) - o.cut_off_age_days AS day
    FROM core.doses AS d
    INNER JOIN core.subjects AS u ON d.subject_key = u.subject_key
    INNER JOIN staging.observed AS o ON d.subject_key = o.subject_key
    WHERE d.is_b12 AND d.person = 'mother'
),

counted AS (
    -- Two equal doses of one day, under one child, are two.
    SELECT
        *,
        row_number() OVER (
            PARTITION BY subject_key, day, compound, route, ug, status, purpose ORDER BY record_key
        ) AS occurrence
    FROM told
),

merged AS (
    SELECT
        min(record_key) AS record_key,
        family_key,
        min(site) AS site,
        day,
        compound,
        route,
        ug,
        status,
        purpose,
        list(subject_key ORDER BY subject_key) AS subject_keys,
        list(series_age_days ORDER BY subject_key) AS children_age_days,
        list(record_key ORDER BY subject_key) AS record_keys
    FROM counted
    GROUP BY family_key, day, compound, route, ug, status, purpose, occurrence
)

SELECT
    record_key,
    family_key,
    site,
    compound,
    route,
    ug,
    status,
    purpose,
    (day - min(day) OVER (PARTITION BY family_key))::INTEGER AS series_day,
    (
        day
        - max(CASE WHEN status = 'given' THEN day END) OVER (
            PARTITION BY family_key ORDER BY day NULLS LAST, record_key ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
    )::INTEGER AS since_given_days,
    subject_keys,
    children_age_days AS ages,
    record_keys
FROM merged
