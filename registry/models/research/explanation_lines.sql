-- grain: one row per definition, subject and sentence about its class
-- key: definition, subject_key, line
-- Why a subject is of its class, or why nearly not, in sentences, each beside the codes and the record that it is made
-- of: the class, when it was reached, what each criterion that decided was found to be and by which results, what was
-- given, and what the nearest class above lacks. Everything in a sentence is a column of another table.
WITH decided AS (
    SELECT
        c.definition,
        c.subject_key,
        c.site,
        c.basis,
        unnest(c.criteria) AS criterion,
        unnest(c.states) AS state
    FROM (
        SELECT e.definition, e.subject_key, e.site, e.criteria, e.states, k.basis
        FROM research.explanations AS e
        INNER JOIN definitions.case_class AS k ON e.definition = k.definition AND e.class = k.class
    ) AS c
),

decided_by AS (
    SELECT DISTINCT d.definition, d.subject_key, d.site, d.criterion, unnest(k.record_keys) AS record_key
    FROM decided AS d
    INNER JOIN research.explanations AS e ON d.definition = e.definition AND d.subject_key = e.subject_key
    INNER JOIN research.criteria AS k
        ON
            d.subject_key = k.subject_key
            AND d.basis = k.basis
            AND d.criterion = k.criterion
            AND (d.basis = 'subject' OR (e.index_age_days = k.index_age_days AND e.anchor_age_days = k.anchor_age_days))
),

lacking AS (
    SELECT
        definition,
        subject_key,
        site,
        basis,
        unnest(missing) AS criterion,
        unnest(missing_states) AS state,
        unnest(missing_wanted) AS wanted
    FROM research.near_misses
    WHERE is_nearest
),

tested AS (
    SELECT
        t.*,
        m.days_since_last_dose,
        m.exposure,
        concat(
            'At ', t.age_days, ' days ', CASE WHEN t.person = 'mother' THEN 'the mother''s ' ELSE '' END, t.analyte, ' was ',
            coalesce(t.comparator, ''), printf('%.12g', t.value::DOUBLE), ' ', t.unit,
            CASE
                WHEN t.unit_reported IS DISTINCT FROM t.unit
                    THEN concat(' (sent as ', printf('%.12g', t.value_reported::DOUBLE), ' ', t.unit_reported, ')')
                ELSE ''
            END,
            CASE
                WHEN t.value_compared <> t.value
                    THEN concat(', compared as ', printf('%.12g', t.value_compared::DOUBLE))
                ELSE ''
            END,
            '; ', t.limits, ' ', t.unit,
            CASE t.state WHEN 'true' THEN ' is met' WHEN 'false' THEN ' is not met' ELSE ' cannot be told' END,
            ' (', array_to_string(t.thresholds, ', '), ', ', array_to_string(t.threshold_statuses, ', '), ')',
            CASE
                WHEN m.days_since_last_dose IS NOT NULL THEN concat(', ', m.days_since_last_dose, ' days after a dose')
                WHEN m.is_exposed THEN concat(', after ', m.exposure)
                ELSE ''
            END,
            '.'
        ) AS sentence
    FROM research.criterion_tests AS t
    LEFT JOIN research.markers AS m ON t.record_key = m.record_key
),

-- What a record that is no result of a marker says.
other AS (
    SELECT
        s.record_key,
        s.age_days,
        concat(d.name, ' (', s.code, ', ', d.class, ') was seen at ', s.age_days, ' days.') AS sentence
    FROM research.sign_looks AS s
    INNER JOIN definitions.sign AS d ON s.code = d.code
    UNION ALL
    SELECT
        record_key,
        start_age_days AS age_days,
        concat(
            'Feeding from ', start_age_days, ' days: ', infant,
            CASE WHEN mother_diet IS NULL THEN '' ELSE concat(', the mother ', mother_diet) END,
            '.'
        ) AS sentence
    FROM core.feeding
    UNION ALL
    SELECT record_key, onset_age_days AS age_days, concat('Reported: ', category, ' ', code, '.') AS sentence
    FROM core.conditions
),

line AS (
    SELECT
        e.definition,
        e.subject_key,
        e.site,
        'class' AS part,
        'class' AS topic,
        '' AS criterion,
        NULL AS state,
        NULL AS record_key,
        0 AS age_days,
        concat(
            e.class, ' by the definition ', e.definition, ', version ', e.definition_version, ': ', e.class_meaning, '.',
            CASE WHEN r.code IS NULL THEN '' ELSE concat(' ', r.code, ': ', r.meaning, '.') END
        ) AS sentence
    FROM research.explanations AS e
    LEFT JOIN definitions.reason AS r ON e.reason = r.code
    UNION ALL
    SELECT
        e.definition,
        e.subject_key,
        e.site,
        'when' AS part,
        'when' AS topic,
        '' AS criterion,
        NULL AS state,
        NULL AS record_key,
        0 AS age_days,
        concat(
            'Its index is at ', e.index_age_days, ' days of age; the class was reached at ', e.anchor_age_days,
            ' days and counts until ', e.class_end_age_days, ' days.',
            CASE WHEN e.is_order_assumed THEN ' Blood of the day of a dose is taken as drawn before it.' ELSE '' END
        ) AS sentence
    FROM research.explanations AS e
    WHERE e.index_age_days IS NOT NULL
    UNION ALL
    SELECT
        d.definition,
        d.subject_key,
        d.site,
        'decided' AS part,
        'criterion' AS topic,
        d.criterion,
        d.state,
        NULL AS record_key,
        -1 AS age_days,
        concat(d.criterion, ' is ', d.state, ': ', k.meaning, '.') AS sentence
    FROM decided AS d
    INNER JOIN definitions.criterion AS k ON d.basis = k.basis AND d.criterion = k.code
    UNION ALL
    SELECT d.definition, d.subject_key, d.site, 'decided' AS part, 'evidence' AS topic, d.criterion, t.state, d.record_key, t.age_days, t.sentence
    FROM decided_by AS d
    INNER JOIN tested AS t
        ON
            d.record_key = t.record_key
            AND (
                d.criterion = t.criterion
                OR d.criterion NOT IN (SELECT o.criterion FROM research.criterion_tests AS o WHERE o.record_key = d.record_key)
            )
    UNION ALL
    SELECT d.definition, d.subject_key, d.site, 'decided' AS part, 'evidence' AS topic, d.criterion, NULL AS state, d.record_key, o.age_days, o.sentence
    FROM decided_by AS d
    INNER JOIN other AS o ON d.record_key = o.record_key
    UNION ALL
    SELECT
        e.definition,
        t.subject_key,
        t.site,
        'treatment' AS part,
        'treatment' AS topic,
        '' AS criterion,
        NULL AS state,
        NULL AS record_key,
        0 AS age_days,
        CASE
            WHEN t.treatment_start_age_days IS NULL THEN 'No treatment with B12 is reported.'
            ELSE concat('Treatment with B12 began at ', t.treatment_start_age_days, ' days of age.')
        END AS sentence
    FROM research.treatment AS t
    INNER JOIN research.explanations AS e ON t.subject_key = e.subject_key
    UNION ALL
    SELECT
        n.definition,
        n.subject_key,
        n.site,
        'near_miss' AS part,
        'near_miss' AS topic,
        '' AS criterion,
        NULL AS state,
        NULL AS record_key,
        0 AS age_days,
        concat(
            'Nearest above: ', n.class, ', alternative ', n.alternative,
            CASE
                WHEN n.anchor_age_days IS NULL THEN ', though no specimen is abnormal'
                ELSE concat(', at ', n.anchor_age_days, ' days')
            END,
            CASE
                WHEN n.lacking = 0 THEN '; it was reached only after the span of the index.'
                ELSE concat('; it lacks ', n.lacking, ' of ', n.criteria, '.')
            END
        ) AS sentence
    FROM research.near_misses AS n
    WHERE n.is_nearest
    UNION ALL
    SELECT
        l.definition,
        l.subject_key,
        l.site,
        'missing' AS part,
        'missing' AS topic,
        l.criterion,
        l.state,
        NULL AS record_key,
        -1 AS age_days,
        concat(
            'Missing: ', l.criterion, ' is ', l.state, ' and would have to be ', l.wanted, ': ', k.meaning, '.',
            CASE WHEN l.state = 'unknown' THEN ' It was not measured, or only where it says nothing.' ELSE '' END
        ) AS sentence
    FROM lacking AS l
    INNER JOIN definitions.criterion AS k ON l.basis = k.basis AND l.criterion = k.code
    UNION ALL
    SELECT l.definition, l.subject_key, l.site, 'missing' AS part, 'evidence' AS topic, l.criterion, t.state, t.record_key, t.age_days, t.sentence
    FROM lacking AS l
    INNER JOIN tested AS t ON l.subject_key = t.subject_key AND l.criterion = t.criterion AND t.person = 'infant'
    WHERE t.state = l.state OR l.state = 'unknown'
)

SELECT
    definition,
    subject_key,
    site,
    row_number() OVER (
        PARTITION BY definition, subject_key
        ORDER BY
            list_position(['class', 'when', 'decided', 'treatment', 'near_miss', 'missing'], part),
            criterion,
            age_days,
            record_key,
            state,
            sentence
    )::INTEGER AS line,
    topic,
    nullif(criterion, '') AS criterion,
    state,
    record_key,
    sentence
FROM line
