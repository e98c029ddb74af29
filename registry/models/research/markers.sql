-- grain: one row per result of a marker of the infant, usable or not
-- key: record_key
-- The infant's markers with what they say and what B12 had been given before. Homocysteine is not read beside a low
-- folate or a creatinine above the laboratory's interval within the pairing days, unless methylmalonic acid is raised;
-- what was not measured excludes nothing.
WITH setting AS (
    SELECT max(value) FILTER (WHERE id = 'pair_days')::INTEGER AS pair_days
    FROM definitions.parameter
),

result AS (
    SELECT
        r.record_key,
        r.subject_key,
        r.site,
        r.analyte,
        r.age_days,
        r.age_months,
        r.minute_of_day,
        r.value,
        r.comparator,
        r.unit,
        r.specimen,
        r.reference_high,
        r.event_time_rank,
        r.is_usable AND s.record_key IS NOT NULL AS is_read,
        r.unusable_reason,
        s.value_compared,
        s.met,
        s.not_met,
        s.undecided
    FROM core.lab_results AS r
    INNER JOIN definitions.marker AS m ON r.analyte = m.analyte
    LEFT JOIN research.marker_states AS s ON r.record_key = s.record_key
    WHERE r.person = 'infant' AND r.age_days IS NOT NULL
),

homocysteine AS (
    SELECT record_key, subject_key, age_days FROM result
    WHERE analyte = 'homocysteine' AND is_read
),

folate AS (
    -- Two folates of one day: a low one is enough.
    SELECT subject_key, age_days, bool_or(list_contains(met, 'folate_low')) AS is_low
    FROM result
    WHERE analyte = 'folate' AND is_read
    GROUP BY subject_key, age_days
),

creatinine AS (
    -- Without the laboratory's interval, or with an upper bound for a value, nothing is known to be above.
    SELECT
        subject_key,
        age_days,
        bool_or(value > reference_high AND coalesce(comparator, '>') IN ('>', '>=')) AS is_above
    FROM result
    WHERE analyte = 'creatinine' AND is_read AND reference_high IS NOT NULL
    GROUP BY subject_key, age_days
),

beside_folate AS (
    -- The nearest one; of two equally near the earlier.
    SELECT h.record_key, arg_min(f.is_low, (abs(f.age_days - h.age_days), f.age_days)) AS is_low
    FROM homocysteine AS h
    INNER JOIN folate AS f ON h.subject_key = f.subject_key
    CROSS JOIN setting AS p
    WHERE abs(f.age_days - h.age_days) <= p.pair_days
    GROUP BY h.record_key
),

beside_creatinine AS (
    SELECT h.record_key, arg_min(c.is_above, (abs(c.age_days - h.age_days), c.age_days)) AS is_above
    FROM homocysteine AS h
    INNER JOIN creatinine AS c ON h.subject_key = c.subject_key
    CROSS JOIN setting AS p
    WHERE abs(c.age_days - h.age_days) <= p.pair_days
    GROUP BY h.record_key
),

beside_mma AS (
    SELECT DISTINCT h.record_key
    FROM homocysteine AS h
    INNER JOIN result AS m
        ON h.subject_key = m.subject_key AND m.is_read AND list_contains(m.met, 'mma_raised')
    CROSS JOIN setting AS p
    WHERE abs(m.age_days - h.age_days) <= p.pair_days
),

judged AS (
    SELECT
        r.*,
        CASE
            WHEN NOT r.is_read THEN coalesce(r.unusable_reason, 'no_value')
            WHEN m.record_key IS NOT NULL THEN NULL
            WHEN f.is_low THEN 'folate_low'
            WHEN c.is_above THEN 'creatinine_raised'
        END AS not_read_reason
    FROM result AS r
    LEFT JOIN beside_folate AS f ON r.record_key = f.record_key
    LEFT JOIN beside_creatinine AS c ON r.record_key = c.record_key
    LEFT JOIN beside_mma AS m ON r.record_key = m.record_key
)

SELECT
    j.record_key,
    j.subject_key,
    j.site,
    j.analyte,
    j.age_days,
    j.age_months,
    j.minute_of_day,
    j.value,
    j.value_compared,
    j.comparator,
    j.unit,
    j.specimen,
    j.event_time_rank,
    j.not_read_reason IS NULL AS is_usable,
    j.not_read_reason AS unusable_reason,
    j.met,
    j.not_met,
    j.undecided,
    j.age_days - t.treatment_start_age_days AS study_day,
    d.counted_markers,
    d.days_since_last_dose,
    d.days_since_transfusion,
    d.exposure,
    d.is_exposed,
    d.is_order_assumed
FROM judged AS j
INNER JOIN research.draws AS d
    ON
        j.subject_key = d.subject_key
        AND j.age_days = d.age_days
        AND j.minute_of_day IS NOT DISTINCT FROM d.minute_of_day
INNER JOIN research.treatment AS t ON j.subject_key = t.subject_key
