-- grain: one row per current version and rule of history that finds it
-- key: delivery, rule
-- A milestone that is not there after it was, with no loss reported between. A month counts as any of its days, so that
-- a doubt finds nothing.
WITH looks AS (
    SELECT
        l.delivery,
        l.site,
        l.subject_key,
        l.code,
        s.is_attained,
        s.is_held,
        CASE l.observed_precision
            WHEN 'month' THEN date_trunc('month', l.observed_date)::DATE ELSE l.observed_date
        END AS earliest,
        CASE l.observed_precision WHEN 'month' THEN last_day(l.observed_date) ELSE l.observed_date END AS latest
    FROM staging.lake_milestone AS l
    INNER JOIN definitions.milestone_status AS s ON l.status = s.code
    LEFT JOIN staging.identity AS i ON l.delivery = i.delivery
    WHERE i.verdict IS NULL
),

absent AS (
    SELECT n.delivery, n.site, n.subject_key, n.code, n.latest, max(h.earliest) AS held_from
    FROM looks AS n
    INNER JOIN looks AS h
        ON n.site = h.site AND n.subject_key = h.subject_key AND n.code = h.code AND h.latest < n.earliest
    WHERE NOT n.is_attained AND h.is_held
    GROUP BY n.delivery, n.site, n.subject_key, n.code, n.latest
)

SELECT
    n.delivery,
    r.id AS rule,
    r.field,
    r.category,
    r.severity,
    r.effect,
    NULL::VARCHAR AS reason
FROM absent AS n
INNER JOIN definitions.history_rule AS r ON r.id = 'not_yet_after_achieved'
WHERE NOT EXISTS (
    SELECT 1
    FROM looks AS lost
    WHERE
        lost.site = n.site
        AND lost.subject_key = n.subject_key
        AND lost.code = n.code
        AND lost.is_attained
        AND NOT lost.is_held
        AND lost.latest >= n.held_from
        AND lost.earliest <= n.latest
)
