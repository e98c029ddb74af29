-- grain: one row per mother with a B12 dose that was given, missed or refused
-- key: family_key
-- How much of what was due to her was given. There is no regimen for mothers that could be counted against.
SELECT
    family_key,
    min(site) AS site,
    count(*)::INTEGER AS doses_due,
    (count(*) FILTER (WHERE status = 'given'))::INTEGER AS doses_given,
    (count(*) FILTER (WHERE status = 'missed'))::INTEGER AS doses_missed,
    (count(*) FILTER (WHERE status = 'refused'))::INTEGER AS doses_refused,
    ((count(*) FILTER (WHERE status = 'given')) / count(*))::DECIMAL(28, 12) AS given_share,
    max(since_given_days) AS longest_gap_days
FROM research.maternal_doses
GROUP BY family_key
