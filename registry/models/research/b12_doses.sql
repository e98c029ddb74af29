-- grain: one row per B12 dose that was given, to the infant or to the mother
-- key: record_key
-- Only what was given counts: a missed or refused dose exposes nobody and starts nothing.
WITH setting AS (
    SELECT max(value) FILTER (WHERE id = 'therapeutic_without_purpose_ug') AS therapeutic_ug
    FROM definitions.parameter
)

SELECT
    d.record_key,
    d.subject_key,
    d.site,
    d.person,
    d.compound,
    d.route,
    d.ug,
    d.purpose,
    -- A stated purpose decides; without one the amount does, and without an amount nothing is known.
    coalesce(d.purpose = 'therapeutic', d.ug >= s.therapeutic_ug, FALSE) AS is_therapeutic,
    d.age_days,
    d.minute_of_day
FROM core.doses AS d
CROSS JOIN setting AS s
WHERE d.is_b12 AND d.status = 'given' AND d.age_days IS NOT NULL
