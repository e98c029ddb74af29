-- grain: one row per subject
-- key: subject_key
-- When treatment started and with what. The start (T0, study day 0) is the infant's first therapeutic dose; a mother
-- who is treated has a start of her own and gives the infant none.
WITH setting AS (
    SELECT max(value) FILTER (WHERE id = 'regimen_days')::INTEGER AS regimen_days
    FROM definitions.parameter
),

started AS (
    SELECT
        subject_key,
        min(age_days) FILTER (WHERE person = 'infant') AS treatment_start_age_days,
        min(age_days) FILTER (WHERE person = 'mother') AS maternal_start_age_days
    FROM research.b12_doses
    WHERE is_therapeutic
    GROUP BY subject_key
),

first_minute AS (
    -- A dose without a time may have come earlier that day; a sample after the earliest known one came after all the same.
    SELECT d.subject_key, min(d.minute_of_day) AS treatment_start_minute
    FROM research.b12_doses AS d
    INNER JOIN started AS s ON d.subject_key = s.subject_key AND d.age_days = s.treatment_start_age_days
    WHERE d.person = 'infant' AND d.is_therapeutic
    GROUP BY d.subject_key
),

regimen AS (
    SELECT
        d.subject_key,
        string_agg(DISTINCT d.compound || ':' || d.route, '+' ORDER BY d.compound || ':' || d.route) AS regimen,
        count(*)::INTEGER AS regimen_doses,
        sum(d.ug)::DECIMAL(28, 12) AS regimen_ug
    FROM research.b12_doses AS d
    INNER JOIN started AS s ON d.subject_key = s.subject_key
    CROSS JOIN setting AS p
    WHERE
        d.person = 'infant'
        AND d.age_days >= s.treatment_start_age_days
        AND d.age_days < s.treatment_start_age_days + p.regimen_days
    GROUP BY d.subject_key
)

SELECT
    u.subject_key,
    u.site,
    s.treatment_start_age_days,
    f.treatment_start_minute,
    s.maternal_start_age_days,
    r.regimen,
    coalesce(r.regimen_doses, 0) AS regimen_doses,
    r.regimen_ug
FROM core.subjects AS u
LEFT JOIN started AS s ON u.subject_key = s.subject_key
LEFT JOIN first_minute AS f ON u.subject_key = f.subject_key
LEFT JOIN regimen AS r ON u.subject_key = r.subject_key
