-- grain: one row per event of a subject, person, measured quantity and verdict
-- key: subject_key, kind, record_key, person, what, verdict
-- All that was said of an infant and its mother, in age and study days. What is not included has a verdict and a reason
-- and no age: its dates are not used. Of a subject of whom the consent bars anything, only what is included is here.
-- A delivery that said the same again is no event of its own.
WITH events AS (
    SELECT
        subject_key,
        'enrolment' AS kind,
        record_key,
        person,
        "group" AS what,
        route AS status,
        NULL::VARCHAR AS detail,
        NULL::DECIMAL(28, 12) AS value,
        NULL::VARCHAR AS unit,
        NULL::VARCHAR AS comparator,
        (enrolled_date - birth_date)::INTEGER AS age_days,
        NULL::INTEGER AS end_age_days,
        NULL::INTEGER AS minute_of_day,
        enrolled_precision AS date_precision,
        NULL::VARCHAR AS unusable_reason
    FROM staging.current_enrolment
    UNION ALL
    SELECT
        subject_key, 'lab_result', record_key, person, analyte, NULL, specimen, value, unit, comparator,
        age_days, NULL, minute_of_day, collected_precision, unusable_reason
    FROM core.lab_results
    UNION ALL
    -- The second report of a result that was reported in two units.
    SELECT
        subject_key, 'lab_result', other_record_key, person, analyte, NULL, 'second_report', other_value_reported,
        other_unit_reported, comparator, age_days, NULL, minute_of_day, collected_precision, unusable_reason
    FROM core.lab_results
    WHERE other_record_key IS NOT NULL
    UNION ALL
    SELECT
        subject_key, 'dose', record_key, person, compound, status, purpose, ug, 'ug', NULL,
        coalesce(age_days, scheduled_age_days), NULL, minute_of_day, coalesce(given_precision, scheduled_precision), NULL
    FROM core.doses
    UNION ALL
    SELECT
        subject_key, 'feeding', record_key, NULL, infant, NULL, mother_diet, NULL, NULL, NULL,
        start_age_days, end_age_days, NULL, start_precision, NULL
    FROM core.feeding
    UNION ALL
    SELECT
        subject_key, 'milestone', record_key, NULL, code, status, source, NULL, NULL, NULL,
        age_days, NULL, minute_of_day, observed_precision, NULL
    FROM core.milestones
    UNION ALL
    SELECT
        subject_key, 'assessment', record_key, NULL, instrument || ':' || edition || ':' || domain || ':' || score_type,
        status, category, score, NULL, comparator, age_days, NULL, minute_of_day, assessed_precision, NULL
    FROM core.assessments
    UNION ALL
    SELECT
        subject_key, 'symptom', record_key, NULL, code, status, severity, NULL, NULL, NULL,
        age_days, NULL, minute_of_day, observed_precision, NULL
    FROM core.symptoms
    UNION ALL
    SELECT
        subject_key, 'condition', record_key, person, code, category, NULL, NULL, NULL, NULL,
        onset_age_days, resolved_age_days, NULL, onset_precision, NULL
    FROM core.conditions
    UNION ALL
    SELECT
        g.subject_key, 'growth', g.record_key, NULL, m.what, NULL, m.detail, m.value::DECIMAL(28, 12), m.unit, NULL,
        g.age_days, NULL, g.minute_of_day, g.measured_precision, NULL
    FROM core.growth AS g
    CROSS JOIN LATERAL (
        VALUES
        ('weight', NULL, g.weight_g, 'g'),
        ('length', g.position, g.length_cm, 'cm'),
        ('head_circumference', NULL, g.head_circumference_cm, 'cm')
    ) AS m (what, detail, value, unit)
    WHERE m.value IS NOT NULL
    UNION ALL
    SELECT
        subject_key, 'imaging', record_key, NULL, metric || ':' || region || ':' || side, NULL, method, value, unit, NULL,
        age_days, NULL, minute_of_day, scanned_precision, unusable_reason
    FROM core.imaging
    UNION ALL
    SELECT
        subject_key, 'status', record_key, NULL, state, NULL, NULL, NULL, NULL, NULL,
        effective_age_days, NULL, NULL, effective_precision, NULL
    FROM core.statuses
    UNION ALL
    SELECT
        c.subject_key, 'consent', c.record_key, NULL, array_to_string(list_sort(c.scopes), '+'), c.status, NULL, NULL,
        NULL, NULL, (c.effective_date - e.birth_date)::INTEGER, NULL, NULL, c.effective_precision, NULL
    FROM staging.current_consent AS c
    INNER JOIN staging.current_enrolment AS e ON c.site = e.site AND c.subject_key = e.subject_key
    UNION ALL
    SELECT
        subject_key, 'confirmation', record_key, NULL, rule, NULL, reason, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM staging.current_confirmation
    UNION ALL
    SELECT
        subject_key, 'acknowledgement', record_key, NULL, 'alert', NULL, reason, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        NULL
    FROM staging.current_acknowledgement
    UNION ALL
    SELECT
        subject_key, 'retraction', record_key, NULL, target_kind, NULL, reason, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        NULL
    FROM staging.current_retraction
),

told AS (
    SELECT *, 'included' AS verdict, NULL::VARCHAR AS reason
    FROM events
    UNION ALL
    SELECT
        d.subject_key, d.kind, d.record_key, d.person, d.kind, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        v.verdict, min(v.reason)
    FROM staging.left_out AS o
    INNER JOIN staging.verdicts AS v ON o.delivery = v.delivery
    INNER JOIN staging.deliveries AS d ON o.delivery = d.delivery
    WHERE
        v.verdict NOT IN ('duplicate', 'replayed')
        AND d.record_key IS NOT NULL
        AND d.subject_key NOT IN (SELECT subject_key FROM staging.barred)
    GROUP BY d.subject_key, d.kind, d.record_key, d.person, v.verdict
)

SELECT
    e.subject_key,
    u.family_key,
    u.site,
    coalesce(e.person, u.person) AS person,
    e.kind,
    e.record_key,
    e.what,
    e.status,
    e.detail,
    e.value,
    e.unit,
    e.comparator,
    e.age_days,
    e.end_age_days,
    e.minute_of_day,
    e.date_precision,
    e.age_days - t.treatment_start_age_days AS study_day,
    e.verdict,
    e.reason,
    e.unusable_reason
FROM told AS e
INNER JOIN core.subjects AS u ON e.subject_key = u.subject_key
INNER JOIN research.treatment AS t ON e.subject_key = t.subject_key
