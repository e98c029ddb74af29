-- grain: one row per site, kind and verdict
-- key: site, kind, verdict
-- Their sum per site is the number of deliveries that were received.
SELECT site, kind, verdict, count(*) AS deliveries
FROM staging.verdicts
GROUP BY site, kind, verdict
