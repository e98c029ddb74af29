-- grain: one row per current version and rule that finds it
-- key: delivery, rule
-- A confirmation holds for what had been said of the record by then, also when the same is said again later, and until
-- its day. A later correction is asked anew.
WITH hits AS (
    SELECT * FROM staging.rule_hits
    UNION ALL BY NAME
    SELECT * FROM staging.history_hits
),

confirmed AS (
    SELECT c.site, c.target_kind, c.target_record_key, c.rule, max(c.event_time) AS confirmed_at
    FROM staging.lake_confirmation AS c
    CROSS JOIN staging.build AS b
    LEFT JOIN staging.identity AS i ON c.delivery = i.delivery
    WHERE i.verdict IS NULL AND (c.until_date IS NULL OR c.until_date >= b.cut_off)
    GROUP BY c.site, c.target_kind, c.target_record_key, c.rule
),

answered AS (
    SELECT h.delivery, h.rule
    FROM hits AS h
    INNER JOIN staging.deliveries AS d ON h.delivery = d.delivery
    INNER JOIN confirmed AS c
        ON
            d.site = c.site
            AND d.kind = c.target_kind
            AND d.record_key = c.target_record_key
            AND h.rule = c.rule
    INNER JOIN staging.deliveries AS said
        ON d.site = said.site AND d.id_key = said.id_key AND d.content_key = said.content_key
    WHERE said.event_time <= c.confirmed_at
    GROUP BY h.delivery, h.rule
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
    a.delivery IS NOT NULL AS is_confirmed
FROM hits AS h
INNER JOIN staging.deliveries AS d ON h.delivery = d.delivery
LEFT JOIN answered AS a ON h.delivery = a.delivery AND h.rule = a.rule
