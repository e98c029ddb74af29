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

coded AS NOT MATERIALIZED (
    SELECT l.*, a.analyte, u.canonical_unit, u.factor
    FROM staging.current_lab_result AS l
    INNER JOIN definitions.analyte_code AS a ON l.loinc = a.loinc
    LEFT JOIN definitions.unit_factors AS u ON l.loinc = u.loinc AND l.unit = u.unit
),

-- Only where a person has an analyte in more than one unit can two reports be one result.
mixed AS (
    SELECT subject_key, person, analyte
    FROM coded
    WHERE factor IS NOT NULL
    GROUP BY subject_key, person, analyte
    HAVING min(unit) <> max(unit)
),

reports AS (
    SELECT
        c.delivery,
        c.record_key,
        c.id_key,
        c.event_time,
        c.value,
        c.unit,
        c.canonical_unit,
        TRY((c.value * c.factor)::DECIMAL(28, 12)) AS canonical,
        -- Half of the last digit as written: what rounding alone can explain.
        CASE
            WHEN regexp_full_match(c.value_text, '[0-9]+([.][0-9]+)?')
                THEN TRY(
                    ((0.5 / pow(10, length(regexp_extract(c.value_text, '[.]([0-9]+)', 1))))::DECIMAL(28, 12) * c.factor)
                    ::DECIMAL(28, 12)
                )
            ELSE 0
        END AS rounding,
        {
            'subject': c.subject_key,
            'person': c.person,
            'analyte': c.analyte,
            'specimen': c.specimen,
            'date': c.collected_date,
            'at': c.collected_at,
            'precision': c.collected_precision,
            'method': c.method,
            'platform': c.platform,
            'comparator': c.comparator,
            'status': c.status
        } AS draw
    FROM coded AS c
    SEMI JOIN mixed AS m ON c.subject_key = m.subject_key AND c.person = m.person AND c.analyte = m.analyte
    WHERE c.factor IS NOT NULL
),

twice AS (
    SELECT draw
    FROM reports
    GROUP BY draw
    HAVING count(*) = 2 AND min(unit) <> max(unit)
),

placed AS (
    SELECT
        r.*,
        row_number() OVER (
            PARTITION BY r.draw ORDER BY r.unit = r.canonical_unit DESC, r.event_time DESC, r.id_key
        ) AS place
    FROM reports AS r
    SEMI JOIN twice AS t ON r.draw = t.draw
),

pairs AS (
    SELECT
        kept.delivery,
        other.delivery AS other_delivery,
        other.record_key AS other_record_key,
        other.value AS other_value_reported,
        other.unit AS other_unit_reported,
        abs(other.canonical - kept.canonical) AS disagreement,
        other.rounding + kept.rounding AS rounding
    FROM placed AS kept
    INNER JOIN placed AS other ON kept.draw = other.draw
    WHERE kept.place = 1 AND other.place = 2
),

results AS NOT MATERIALIZED (
    SELECT *
    FROM coded AS c
    WHERE NOT EXISTS (SELECT 1 FROM pairs AS p WHERE p.other_delivery = c.delivery)
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

converted AS NOT MATERIALIZED (
    SELECT
        r.*,
        e.birth_date,
        z.time_zone,
        p.other_record_key,
        p.other_value_reported,
        p.other_unit_reported,
        p.disagreement,
        p.rounding,
        coalesce(own.reason, others.reason) AS finding_reason,
        coalesce(k.event_time_rank, 1)::INTEGER AS event_time_rank,
        TRY((r.value * r.factor)::DECIMAL(28, 12)) AS canonical
    FROM results AS r
    INNER JOIN staging.current_enrolment AS e ON r.site = e.site AND r.subject_key = e.subject_key
    INNER JOIN staging.sites AS z ON r.site = z.site
    LEFT JOIN pairs AS p ON r.delivery = p.delivery
    LEFT JOIN unconfirmed AS own ON r.delivery = own.delivery
    LEFT JOIN unconfirmed AS others ON p.other_delivery = others.delivery
    LEFT JOIN ranked AS k ON r.delivery = k.delivery
),

judged AS NOT MATERIALIZED (
    SELECT
        c.*,
        CASE
            WHEN NOT s.is_usable THEN c.status
            WHEN c.canonical IS NULL THEN 'no_value'
            WHEN NOT list_contains(a.specimens, c.specimen) THEN 'specimen'
            WHEN c.finding_reason IS NOT NULL THEN c.finding_reason
            WHEN c.disagreement > g.max_relative_disagreement * c.canonical AND c.disagreement > c.rounding
                THEN 'units_disagree'
        END AS unusable_reason
    FROM converted AS c
    INNER JOIN definitions.result_status AS s ON c.status = s.code
    INNER JOIN definitions.analyte AS a ON c.analyte = a.id
    CROSS JOIN definitions.result_agreement AS g
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
