-- grain: one row per infant with a B12 dose that was given, missed or refused
-- key: subject_key
-- How much of what was due was given: against what the site itself planned and reported, and against the regimen. The
-- mother's doses are in research.maternal_adherence. Over the whole follow-up, so it is no group to compare by: who is
-- followed for longer can miss more (immortal time).
WITH series AS (
    SELECT
        subject_key,
        site,
        count(*)::INTEGER AS doses_due,
        (count(*) FILTER (WHERE status = 'given'))::INTEGER AS doses_given,
        (count(*) FILTER (WHERE status = 'missed'))::INTEGER AS doses_missed,
        (count(*) FILTER (WHERE status = 'refused'))::INTEGER AS doses_refused,
        min(age_days) AS first_given_age_days,
        max(age_days) AS last_given_age_days,
        max(since_given_days) AS longest_gap_days
    FROM research.dose_series
    GROUP BY subject_key, site
),

regimen AS (
    SELECT
        subject_key,
        any_value(regimen) AS regimen,
        sum(doses_due)::INTEGER AS regimen_doses_due,
        sum(doses_met)::INTEGER AS regimen_doses_met
    FROM research.regimen_steps
    GROUP BY subject_key
)

SELECT
    s.subject_key,
    s.site,
    s.doses_due,
    s.doses_given,
    s.doses_missed,
    s.doses_refused,
    (s.doses_given / s.doses_due)::DECIMAL(28, 12) AS given_share,
    s.first_given_age_days,
    s.last_given_age_days,
    s.longest_gap_days,
    r.regimen,
    r.regimen_doses_due,
    r.regimen_doses_met,
    (r.regimen_doses_met / r.regimen_doses_due)::DECIMAL(28, 12) AS regimen_share
FROM series AS s
LEFT JOIN regimen AS r ON s.subject_key = r.subject_key
