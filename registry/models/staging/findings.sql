-- grain: one row per current version and rule that finds it
-- key: delivery, rule
-- A confirmation holds for what had been said of the record by then, and until its day: a later correction is asked anew.
WITH confirmed AS (
    SELECT c.site, c.target_kind, c.target_record_key, c.rule, max(c.event_time) AS confirmed_at
    FROM staging.lake_confirmation AS c
    CROSS JOIN staging.build AS b
    LEFT JOIN staging.identity AS i ON c.delivery = i.delivery
    WHERE i.verdict IS NULL AND (c.until_date IS NULL OR c.until_date >= b.cut_off)
    GROUP BY c.site, c.target_kind, c.target_record_key, c.rule
)

SELECT
    h.delivery,
    d.site,
    d.kind,
    d.subject_key,
    d.record_key,
    d.id_key,
    h.rule,
    h.field,
    h.category,
    h.severity,
    h.effect,
    h.reason,
    c.confirmed_at IS NOT NULL AS is_confirmed
FROM staging.rule_hits AS h
INNER JOIN staging.deliveries AS d ON h.delivery = d.delivery
LEFT JOIN confirmed AS c
    ON
        d.site = c.site
        AND d.kind = c.target_kind
        AND d.record_key = c.target_record_key
        AND h.rule = c.rule
        AND d.event_time <= c.confirmed_at
