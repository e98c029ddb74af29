-- grain: one row per first measurement of a site and quantity whose last digits fall unevenly
-- key: delivery, rule
-- One question for a site and quantity, put at its first measurement. A confirmation of any of its measurements answers
-- it, until its day and for as long as digit_check says.
WITH growth AS (
    SELECT
        'growth' AS kind, g.delivery, g.site, g.subject_key, g.record_key, g.id_key, g.measured_date,
        k.rule, k.confirmed_days
    FROM staging.current_growth AS g
    INNER JOIN staging.digit_preferences AS p ON g.site = p.site
    INNER JOIN definitions.digit_check AS k ON p.rule = k.rule
    WHERE
        CASE k.quantity
            WHEN 'length_cm' THEN g.length_cm
            WHEN 'head_circumference_cm' THEN g.head_circumference_cm
            WHEN 'weight_g' THEN g.weight_g
        END IS NOT NULL
),

answer AS (
    SELECT DISTINCT g.site, g.rule
    FROM growth AS g
    INNER JOIN staging.current_confirmation AS c
        ON g.site = c.site AND g.kind = c.target_kind AND g.record_key = c.target_record_key AND g.rule = c.rule
    CROSS JOIN staging.build AS b
    WHERE b.cut_off <= coalesce(c.until_date, c.event_time::DATE + g.confirmed_days)
)

SELECT
    g.delivery,
    g.site,
    g.kind,
    g.subject_key,
    g.record_key,
    g.id_key,
    r.id AS rule,
    r.field,
    r.category,
    r.severity,
    r.effect,
    NULL::VARCHAR AS reason,
    a.rule IS NOT NULL AS is_confirmed
FROM growth AS g
INNER JOIN definitions.history_rule AS r ON g.rule = r.id
LEFT JOIN answer AS a ON g.site = a.site AND g.rule = a.rule
QUALIFY row_number() OVER (PARTITION BY g.site, g.rule ORDER BY g.measured_date, g.record_key) = 1
