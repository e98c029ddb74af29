-- grain: one row per result of one analyte in one draw of one person
-- key: record_key
-- The same assay reported in two units is one row: the report in the canonical unit is kept, the other stands beside it.
-- Values are exact: the reported value times the unit's factor, to 12 decimal places; null where that has no room.
WITH unconfirmed AS (
    SELECT delivery, min(reason) AS reason
    FROM staging.findings
    WHERE kind = 'lab_result' AND effect = 'unusable' AND NOT is_confirmed
    GROUP BY delivery
),

reports AS (
    SELECT
        l.*,
        e.birth_date,
        z.time_zone,
        a.analyte,
        u.canonical_unit,
        u.factor,
        n.reason AS unconfirmed_reason,
        {
            'subject': l.subject_key,
            'person': l.person,
            'analyte': a.analyte,
            'specimen': l.specimen,
            'date': l.collected_date,
            'at': l.collected_at,
            'precision': l.collected_precision,
            'method': l.method,
            'platform': l.platform,
            'comparator': l.comparator,
            'status': l.status
        } AS draw,
        TRY((l.value * u.factor)::DECIMAL(28, 12)) AS canonical
    FROM staging.current_lab_result AS l
    INNER JOIN staging.current_enrolment AS e ON l.site = e.site AND l.subject_key = e.subject_key
    INNER JOIN staging.sites AS z ON l.site = z.site
    INNER JOIN definitions.analyte_code AS a ON l.loinc = a.loinc
    LEFT JOIN definitions.unit_factors AS u ON l.loinc = u.loinc AND l.unit = u.unit
    LEFT JOIN unconfirmed AS n ON l.delivery = n.delivery
),

-- Only where a subject has an analyte in more than one unit can two reports be one result.
mixed AS (
    SELECT subject_key, person, analyte
    FROM reports
    WHERE canonical IS NOT NULL
    GROUP BY subject_key, person, analyte
    HAVING count(DISTINCT unit) > 1
),

twice AS (
    SELECT r.draw
    FROM reports AS r
    SEMI JOIN mixed AS m ON r.subject_key = m.subject_key AND r.person = m.person AND r.analyte = m.analyte
    WHERE r.canonical IS NOT NULL
    GROUP BY r.draw
    HAVING count(*) = 2 AND count(DISTINCT r.unit) = 2
),

pairs AS (
    SELECT
        r.delivery,
        row_number() OVER (PARTITION BY r.draw ORDER BY r.unit = r.canonical_unit DESC, r.event_time DESC, r.id_key)
            AS place,
        lead(r.delivery) OVER (
            PARTITION BY r.draw ORDER BY r.unit = r.canonical_unit DESC, r.event_time DESC, r.id_key
        ) AS other_delivery
    FROM reports AS r
    SEMI JOIN twice AS t ON r.draw = t.draw
    WHERE r.canonical IS NOT NULL
),

results AS (
    SELECT
        r.*,
        o.record_key AS other_record_key,
        o.value AS other_value_reported,
        o.unit AS other_unit_reported,
        abs(o.canonical - r.canonical) AS disagreement,
        coalesce(r.unconfirmed_reason, o.unconfirmed_reason) AS finding_reason
    FROM reports AS r
    LEFT JOIN pairs AS p ON r.delivery = p.delivery
    LEFT JOIN reports AS o ON p.other_delivery = o.delivery
    WHERE p.place IS NULL OR p.place = 1
),

-- Ties of one day are settled by the newest statement; few days have any.
days AS (
    SELECT subject_key, person, analyte, collected_date
    FROM results
    GROUP BY subject_key, person, analyte, collected_date
    HAVING count(*) > 1
),

ranked AS (
    SELECT
        r.delivery,
        dense_rank() OVER (
            PARTITION BY r.subject_key, r.person, r.analyte, r.collected_date ORDER BY r.event_time
        ) AS event_time_rank
    FROM results AS r
    SEMI JOIN days AS d
        ON
            r.subject_key = d.subject_key
            AND r.person = d.person
            AND r.analyte = d.analyte
            AND r.collected_date = d.collected_date
),

judged AS (
    SELECT
        r.*,
        coalesce(k.event_time_rank, 1)::INTEGER AS event_time_rank,
        CASE
            WHEN NOT s.is_usable THEN r.status
            WHEN r.canonical IS NULL THEN 'no_value'
            WHEN NOT list_contains(a.specimens, r.specimen) THEN 'specimen'
            WHEN r.finding_reason IS NOT NULL THEN r.finding_reason
            WHEN r.disagreement > g.max_relative_disagreement * r.canonical THEN 'units_disagree'
        END AS unusable_reason
    FROM results AS r
    INNER JOIN definitions.result_status AS s ON r.status = s.code
    INNER JOIN definitions.analyte AS a ON r.analyte = a.id
    CROSS JOIN definitions.result_agreement AS g
    LEFT JOIN ranked AS k ON r.delivery = k.delivery
)

SELECT
    subject_key,
    site,
    record_key,
    other_record_key,
    person,
    analyte,
    loinc,
    canonical AS value,
    canonical_unit AS unit,
    comparator,
    value AS value_reported,
    unit AS unit_reported,
    other_value_reported,
    other_unit_reported,
    (disagreement / nullif(canonical, 0))::DECIMAL(18, 6) AS relative_disagreement,
    TRY((reference_low * factor)::DECIMAL(28, 12)) AS reference_low,
    TRY((reference_high * factor)::DECIMAL(28, 12)) AS reference_high,
    specimen,
    status,
    method,
    platform,
    haemolysis,
    separated_minutes,
    (collected_date - birth_date)::INTEGER AS age_days,
    date_sub('month', birth_date, collected_date)::INTEGER AS age_months,
    (extract('hour' FROM collected_at AT TIME ZONE time_zone) * 60
    + extract('minute' FROM collected_at AT TIME ZONE time_zone))::INTEGER AS minute_of_day,
    collected_precision,
    event_time_rank,
    unusable_reason IS NULL AS is_usable,
    unusable_reason
FROM judged
