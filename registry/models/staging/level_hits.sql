-- grain: one row per first result of a level that is like that of another unit
-- key: delivery, rule
-- One question for a whole level, put at its first result; of two, the one that knows since when. A confirmation of any
-- result of the level that is not older than the level answers it, until its day and for as long as level_check says.
WITH result AS (
    SELECT l.delivery, l.site, l.kind, l.subject_key, l.record_key, l.id_key, l.person, u.analyte, l.collected_date AS day
    FROM (SELECT 'lab_result' AS kind, * FROM staging.current_lab_result) AS l
    INNER JOIN definitions.unit_factors AS u ON l.loinc = u.loinc AND l.unit = u.unit
),

slip AS (
    SELECT l.*, k.confirmed_days
    FROM staging.levels AS l
    INNER JOIN definitions.level_check AS k ON l.analyte = k.analyte AND l.person = k.person
    WHERE l.rule IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY l.site, l.analyte, l.person ORDER BY l.against, l.is_later DESC) = 1
),

first_of_level AS (
    SELECT r.*, s.rule, s.from_day, s.confirmed_days
    FROM slip AS s
    INNER JOIN staging.first_results AS f
        ON s.site = f.site AND s.analyte = f.analyte AND s.person = f.person AND s.from_day = f.day
    INNER JOIN result AS r ON f.delivery = r.delivery
    QUALIFY row_number() OVER (PARTITION BY s.site, s.analyte, s.person ORDER BY r.record_key) = 1
),

answer AS (
    SELECT DISTINCT f.delivery
    FROM first_of_level AS f
    INNER JOIN result AS r ON f.site = r.site AND f.analyte = r.analyte AND f.person = r.person
    INNER JOIN staging.current_confirmation AS c
        ON r.site = c.site AND r.kind = c.target_kind AND r.record_key = c.target_record_key AND f.rule = c.rule
    CROSS JOIN staging.build AS b
    WHERE
        c.event_time::DATE >= f.from_day
        AND b.cut_off <= coalesce(c.until_date, c.event_time::DATE + f.confirmed_days)
)

SELECT
    f.delivery,
    f.site,
    f.kind,
    f.subject_key,
    f.record_key,
    f.id_key,
    r.id AS rule,
    r.field,
    r.category,
    r.severity,
    r.effect,
    NULL::VARCHAR AS reason,
    f.delivery IN (SELECT delivery FROM answer) AS is_confirmed
FROM first_of_level AS f
INNER JOIN definitions.history_rule AS r ON f.rule = r.id
