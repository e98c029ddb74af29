-- grain: one row per usable result of a marker and criterion that has a cut-off at its age
-- key: record_key, criterion
-- What a result says of a criterion, with all that the answer rests on: the value as it was sent, in the canonical unit
-- and as it is compared, and the thresholds with their versions.
WITH said AS (
    SELECT record_key, unnest(met) AS criterion, 'true' AS state FROM research.marker_states
    UNION ALL
    SELECT record_key, unnest(not_met) AS criterion, 'false' AS state FROM research.marker_states
    UNION ALL
    SELECT record_key, unnest(undecided) AS criterion, 'unknown' AS state FROM research.marker_states
),

asked AS (
    SELECT
        person,
        analyte,
        criterion,
        from_months,
        to_months,
        string_agg(concat(operator, ' ', printf('%.12g', value::DOUBLE)), ' and ' ORDER BY operator DESC) AS limits,
        list(concat(id, ' v', version) ORDER BY id) AS thresholds,
        list(DISTINCT status ORDER BY status) AS threshold_statuses
    FROM definitions.threshold
    GROUP BY person, analyte, criterion, from_months, to_months
)

SELECT
    s.record_key,
    m.subject_key,
    r.site,
    m.person,
    m.analyte,
    s.criterion,
    s.state,
    m.age_days,
    m.age_months,
    r.value_reported,
    r.unit_reported,
    r.value,
    r.unit,
    r.comparator,
    m.value_compared,
    a.limits,
    a.thresholds,
    a.threshold_statuses
FROM said AS s
INNER JOIN research.marker_states AS m ON s.record_key = m.record_key
INNER JOIN core.lab_results AS r ON s.record_key = r.record_key
INNER JOIN asked AS a
    ON
        m.person = a.person
        AND m.analyte = a.analyte
        AND s.criterion = a.criterion
        AND m.age_months >= a.from_months
        AND m.age_months < a.to_months
