-- grain: one row per site, subject, person and analyte whose level is compared
-- key: site, subject_key, person, analyte
-- The first untreated result of each person: results of one person are alike, and treatment moves them. A bound and a
-- month are left out, and so is what no rule lets count.
WITH first_dose AS (
    SELECT
        d.site,
        d.subject_key,
        min(CASE d.given_precision WHEN 'month' THEN date_trunc('month', d.given_date)::DATE ELSE d.given_date END) AS day
    FROM staging.current_dose AS d
    INNER JOIN definitions.compound AS c ON d.compound = c.code AND c.has_b12
    WHERE d.status = 'given'
    GROUP BY d.site, d.subject_key
)

SELECT
    l.delivery,
    l.site,
    l.subject_key,
    l.record_key,
    l.person,
    u.analyte,
    u.factor,
    l.collected_date AS day,
    ln((l.value * u.factor)::DOUBLE) AS log_value
FROM staging.current_lab_result AS l
INNER JOIN definitions.unit_factors AS u ON l.loinc = u.loinc AND l.unit = u.unit
INNER JOIN definitions.result_status AS s ON l.status = s.code AND s.is_usable
LEFT JOIN first_dose AS f ON l.site = f.site AND l.subject_key = f.subject_key
WHERE
    l.comparator IS NULL
    AND l.value > 0
    AND l.collected_precision <> 'month'
    AND (f.day IS NULL OR l.collected_date <= f.day)
    AND (l.person, u.analyte) IN (SELECT (person, unnest([analyte, companion])) FROM definitions.level_check)
    AND l.delivery NOT IN (SELECT delivery FROM staging.findings WHERE effect = 'unusable' AND NOT is_confirmed)
QUALIFY row_number() OVER (
    PARTITION BY l.site, l.subject_key, l.person, u.analyte ORDER BY l.collected_date, l.record_key
) = 1
