-- grain: one row per included delivery and question that is open about it
-- key: delivery, rule
-- What a site is asked to correct or to confirm: grave findings of a row or of its history, and of many rows together.
SELECT f.delivery, f.site, f.kind, f.rule
FROM staging.findings AS f
INNER JOIN staging.verdicts AS v ON f.delivery = v.delivery AND v.verdict = 'included'
WHERE f.severity = 'critical' AND f.effect <> 'quarantine' AND NOT f.is_confirmed
UNION ALL
SELECT h.delivery, h.site, h.kind, h.rule
FROM staging.level_hits AS h
WHERE NOT h.is_confirmed
UNION ALL
SELECT h.delivery, h.site, h.kind, h.rule
FROM staging.digit_hits AS h
WHERE NOT h.is_confirmed
