-- grain: one row per site, analyte, person and side of what its level is compared with
-- key: site, analyte, person, against, is_later
-- Does the level of a site's results differ from its own at another time, or from the other sites'? Of all results at
-- which the level may have changed the one stands that tells most; either side of it may be the one in doubt. Between
-- sites the error holds what sites differ by. The companion marker is split at the same day.
WITH result AS (
    SELECT
        *,
        row_number() OVER level - 1 AS place,
        count(*) OVER (PARTITION BY site, analyte, person) AS persons
    FROM staging.first_results
    WINDOW level AS (PARTITION BY site, analyte, person ORDER BY day, record_key)
),

change AS (
    SELECT DISTINCT r.site, r.person, k.analyte AS checked, k.companion, r.day
    FROM result AS r
    INNER JOIN definitions.level_check AS k ON r.analyte = k.analyte AND r.person = k.person
    WHERE
        r.place % (k.step * ceil(r.persons / (k.step * k.splits))::BIGINT) = 0
        AND r.place >= k.at_least
        AND r.persons - r.place >= k.at_least
),

side AS (
    SELECT 'itself' AS against, c.checked, c.day AS changed, r.day >= c.day AS is_later, r.*
    FROM change AS c
    INNER JOIN result AS r
        ON c.site = r.site AND c.person = r.person AND r.analyte IN (c.checked, c.companion)
    UNION ALL BY NAME
    SELECT 'others' AS against, k.analyte AS checked, TRUE AS is_later, r.*
    FROM definitions.level_check AS k
    INNER JOIN result AS r ON k.person = r.person AND r.analyte IN (k.analyte, k.companion)
),

level AS (
    SELECT
        s.against,
        s.checked,
        s.changed,
        s.is_later,
        s.site,
        s.person,
        s.analyte,
        count(*) AS persons,
        min(s.day) AS from_day,
        max(s.day) AS to_day,
        histogram(s.factor) AS factors,
        list_avg(quantile_cont(s.log_value, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])) AS at,
        pow((quantile_cont(s.log_value, 0.75) - quantile_cont(s.log_value, 0.25)) / any_value(n.quartiles_apart), 2)
        / count(*) AS variance
    FROM side AS s
    CROSS JOIN definitions.robust_scale AS n
    GROUP BY s.against, s.checked, s.changed, s.is_later, s.site, s.person, s.analyte
),

-- The other sites of a site: their median, and how far they lie from it.
others AS (
    SELECT
        s.site,
        s.checked,
        s.person,
        s.analyte,
        count(*) AS sites,
        sum(o.persons) AS persons,
        median(o.at) AS at,
        pow(greatest(any_value(k.sites_differ_by), mad(o.at) / any_value(n.median_distance)), 2) AS variance_between,
        variance_between * any_value(n.median_variance) / count(*) AS variance
    FROM level AS s
    INNER JOIN level AS o
        ON
            s.against = o.against
            AND s.checked = o.checked
            AND s.person = o.person
            AND s.analyte = o.analyte
            AND s.site <> o.site
    INNER JOIN definitions.level_check AS k ON s.checked = k.analyte AND s.person = k.person AND o.persons >= k.at_least
    CROSS JOIN definitions.robust_scale AS n
    WHERE s.against = 'others'
    GROUP BY s.site, s.checked, s.person, s.analyte
),

shift AS (
    SELECT l.*, e.persons AS persons_against, l.at - e.at AS shift, sqrt(l.variance + e.variance) AS standard_error
    FROM level AS l
    INNER JOIN level AS e
        ON
            l.against = e.against
            AND l.changed = e.changed
            AND l.checked = e.checked
            AND l.site = e.site
            AND l.person = e.person
            AND l.analyte = e.analyte
            AND l.is_later <> e.is_later
    UNION ALL BY NAME
    SELECT
        l.*,
        o.persons AS persons_against,
        l.at - o.at AS shift,
        sqrt(l.variance + o.variance_between + o.variance) AS standard_error
    FROM level AS l
    INNER JOIN others AS o
        ON l.site = o.site AND l.checked = o.checked AND l.person = o.person AND l.analyte = o.analyte
    INNER JOIN definitions.level_check AS k ON l.checked = k.analyte AND l.person = k.person
    WHERE l.against = 'others' AND o.sites >= k.other_sites
)

SELECT
    s.site,
    s.analyte,
    s.person,
    s.against,
    s.is_later,
    s.from_day,
    s.to_day,
    s.persons,
    s.persons_against,
    s.shift::DECIMAL(12, 6) AS log_shift,
    s.standard_error::DECIMAL(12, 6) AS log_standard_error,
    c.shift::DECIMAL(12, 6) AS companion_log_shift,
    c.standard_error::DECIMAL(12, 6) AS companion_log_standard_error,
    u.rule
FROM shift AS s
INNER JOIN definitions.level_check AS k ON s.analyte = k.analyte AND s.checked = k.analyte AND s.person = k.person
LEFT JOIN shift AS c
    ON
        s.against = c.against
        AND s.changed IS NOT DISTINCT FROM c.changed
        AND s.is_later = c.is_later
        AND s.site = c.site
        AND s.person = c.person
        AND s.checked = c.checked
        AND k.companion = c.analyte
        AND c.persons >= k.at_least
        AND c.persons_against >= k.at_least
LEFT JOIN (
    SELECT DISTINCT p.rule, p.analyte, f.factor, ln((f.factor / t.factor)::DOUBLE) AS slip
    FROM definitions.unit_slip AS p
    INNER JOIN definitions.unit_factors AS f ON p.analyte = f.analyte AND p.stated = f.unit
    INNER JOIN definitions.unit_factors AS t ON p.analyte = t.analyte AND p.truly = t.unit
) AS u
    ON
        s.analyte = u.analyte
        AND s.factors[u.factor] >= k.unit_share * s.persons
        AND abs(s.shift) >= CASE s.against WHEN 'itself' THEN k.itself_z ELSE k.others_z END * s.standard_error
        AND abs(s.shift - u.slip) < abs(s.shift)
        AND abs(s.shift - u.slip) <= k.factor_z * s.standard_error
        AND coalesce(-sign(s.shift) * c.shift < k.companion_z * c.standard_error, TRUE)
WHERE s.standard_error > 0 AND s.persons >= k.at_least AND s.persons_against >= k.at_least
QUALIFY row_number() OVER (
    PARTITION BY s.against, s.site, s.analyte, s.person, s.is_later
    ORDER BY abs(s.shift) / s.standard_error DESC, s.changed
) = 1
