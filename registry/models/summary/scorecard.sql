-- grain: one row per site
-- key: site
-- How well a site's data arrives and how complete it is. Fractions are null where there is nothing to divide by.
WITH delivery AS (
    SELECT
        site,
        count(*) AS received,
        count(*) FILTER (WHERE verdict = 'included') AS included,
        count(*) FILTER (WHERE verdict = 'refused') AS refused,
        count(*) FILTER (WHERE verdict = 'duplicate') AS duplicates,
        count(*) FILTER (WHERE verdict = 'conflict') AS conflicts,
        count(*) FILTER (WHERE verdict = 'quarantined') AS quarantined,
        count(*) FILTER (WHERE verdict = 'held') AS held
    FROM staging.verdicts
    GROUP BY site
),

fed AS (
    SELECT subject_key, count(mother_diet) AS diets
    FROM core.feeding
    GROUP BY subject_key
),

subject AS (
    SELECT
        u.site,
        count(*) AS subjects,
        count(*) FILTER (WHERE u.sex <> 'unknown') / count(*) AS sex_known,
        count(*) FILTER (WHERE u.birth_precision = 'day') / count(*) AS birth_day_known,
        count(u.gestation_total_days) / count(*) AS gestation_known,
        count(*) FILTER (WHERE u.family_key <> u.subject_key) / count(*) AS mother_known,
        count(f.subject_key) / count(*) AS feeding_known,
        count(*) FILTER (WHERE f.diets > 0) / count(*) AS maternal_diet_known
    FROM core.subjects AS u
    LEFT JOIN fed AS f ON u.subject_key = f.subject_key
    WHERE u.person = 'infant'
    GROUP BY u.site
),

result AS (
    SELECT
        site,
        count(*) FILTER (WHERE is_usable) / count(*) AS usable_results,
        count(*) FILTER (WHERE unusable_reason = 'unit_unconfirmed') AS results_with_unconfirmed_unit
    FROM core.lab_results
    GROUP BY site
),

visit AS (
    -- Of the visits that closed while the infant was followed.
    SELECT
        site,
        count(*) FILTER (WHERE visit = 'months_3' AND state = 'in_window')
        / nullif(count(*) FILTER (WHERE visit = 'months_3' AND state IN ('in_window', 'missed')), 0) AS followed_months_3,
        count(*) FILTER (WHERE visit = 'months_6' AND state = 'in_window')
        / nullif(count(*) FILTER (WHERE visit = 'months_6' AND state IN ('in_window', 'missed')), 0) AS followed_months_6,
        count(*) FILTER (WHERE visit = 'months_12' AND state = 'in_window')
        / nullif(count(*) FILTER (WHERE visit = 'months_12' AND state IN ('in_window', 'missed')), 0) AS followed_months_12
    FROM research.follow_up
    GROUP BY site
),

arrival AS (
    -- The day of arrival is the site's own day: an instant has no date. What was replayed had arrived before.
    SELECT
        l.site,
        median((coalesce(l.origin_received_at, l.received_at) AT TIME ZONE z.time_zone)::DATE - l.collected_date) AS days_to_arrival
    FROM staging.current_lab_result AS l
    INNER JOIN staging.sites AS z ON l.site = z.site
    WHERE l.collected_precision <> 'month'
    GROUP BY l.site
)

SELECT
    z.site,
    coalesce(d.received, 0) AS received,
    coalesce(d.included, 0) AS included,
    coalesce(d.refused, 0) AS refused,
    d.refused / nullif(d.received, 0) AS refused_fraction,
    coalesce(d.duplicates, 0) AS duplicates,
    coalesce(d.conflicts, 0) AS conflicts,
    coalesce(d.quarantined, 0) AS quarantined,
    coalesce(d.held, 0) AS held,
    coalesce(u.subjects, 0) AS infants,
    u.sex_known AS sex_known_fraction,
    u.birth_day_known AS birth_day_known_fraction,
    u.gestation_known AS gestation_known_fraction,
    u.mother_known AS mother_known_fraction,
    u.feeding_known AS feeding_known_fraction,
    u.maternal_diet_known AS maternal_diet_known_fraction,
    r.usable_results AS usable_results_fraction,
    coalesce(r.results_with_unconfirmed_unit, 0) AS results_with_unconfirmed_unit,
    v.followed_months_3 AS followed_months_3_fraction,
    v.followed_months_6 AS followed_months_6_fraction,
    v.followed_months_12 AS followed_months_12_fraction,
    a.days_to_arrival AS median_days_to_arrival
FROM staging.sites AS z
LEFT JOIN delivery AS d ON z.site = d.site
LEFT JOIN subject AS u ON z.site = u.site
LEFT JOIN result AS r ON z.site = r.site
LEFT JOIN visit AS v ON z.site = v.site
LEFT JOIN arrival AS a ON z.site = a.site
