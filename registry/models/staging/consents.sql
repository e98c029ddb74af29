-- grain: one row per site, subject and scope that a consent names
-- key: site, subject_key, scope
-- The latest by effective date, then time, decides; on a tie the withdrawal does. In doubt the narrower side is taken:
-- a withdrawal is heard though its id is in conflict or its site is held, a quarantined `given` is not, and a `given`
-- counts from no later than the day it was said, so that a mistyped year cannot outlast a later withdrawal.
WITH said AS (
    SELECT c.site, c.subject_key, c.scopes, c.status, c.effective_date, c.event_time
    FROM staging.lake_consent AS c
    LEFT JOIN staging.identity AS i ON c.delivery = i.delivery
    WHERE
        (c.status = 'withdrawn' AND (i.verdict IS NULL OR i.verdict = 'conflict'))
        OR (
            c.status = 'given'
            AND i.verdict IS NULL
            AND NOT EXISTS (
                SELECT 1
                FROM staging.findings AS f
                WHERE f.delivery = c.delivery AND f.effect = 'quarantine' AND NOT f.is_confirmed
            )
        )
    UNION ALL
    SELECT site, subject_key, scopes, status, effective_date, event_time
    FROM staging.beyond_consent
),

dated AS (
    SELECT
        s.site,
        s.subject_key,
        unnest(s.scopes) AS scope,
        s.status,
        s.event_time,
        CASE
            WHEN s.status = 'withdrawn' THEN s.effective_date
            ELSE least(s.effective_date, (s.event_time AT TIME ZONE z.time_zone)::DATE)
        END AS effective_date
    FROM said AS s
    INNER JOIN staging.sites AS z ON s.site = z.site
)

SELECT
    site,
    subject_key,
    scope,
    arg_max(
        status, {'effective': effective_date, 'said': event_time, 'is_narrower': status = 'withdrawn'}
    ) AS status
FROM dated
GROUP BY site, subject_key, scope
