-- grain: one row per treated infant, follow-up visit and criterion of recovery
-- key: subject_key, visit, criterion
-- One marker before and after: whether it was abnormal at baseline, whether it still is at the visit, and whether the
-- change is an improvement. A state is null where the marker was not measured, unknown where it cannot be decided.
WITH pair AS (
    SELECT
        f.subject_key,
        f.site,
        f.visit,
        k.dimension,
        k.criterion,
        k.analyte,
        k.is_always_needed,
        k.is_blocking,
        k.improvement,
        k.improved_by
    FROM research.follow_up AS f
    CROSS JOIN definitions.recovery_criterion AS k
    WHERE f.visit <> 'baseline'
),

early AS (
    -- Too late for a baseline, early enough to show that the infant was affected.
    SELECT e.subject_key, k.criterion, bool_or(list_contains(e.met, k.criterion)) AS is_abnormal
    FROM research.visit_markers AS e
    INNER JOIN definitions.recovery_criterion AS k ON e.analyte = k.analyte
    WHERE e.visit = 'post_dose'
    GROUP BY e.subject_key, k.criterion
),

lost AS (
    SELECT subject_key, analyte, bool_or(is_baseline_lost) AS is_baseline_lost
    FROM research.visit_markers
    GROUP BY subject_key, analyte
),

later AS (
    SELECT DISTINCT subject_key, analyte
    FROM research.visit_markers
    WHERE visit = 'unscheduled' AND study_day > 0
)

SELECT
    p.subject_key,
    p.site,
    p.visit,
    p.dimension,
    p.criterion,
    p.analyte,
    p.is_always_needed,
    p.is_blocking,
    CASE
        WHEN b.record_key IS NULL THEN NULL
        WHEN list_contains(b.met, p.criterion) THEN 'true'
        WHEN list_contains(b.not_met, p.criterion) THEN 'false'
        ELSE 'unknown'
    END AS baseline_state,
    CASE
        WHEN v.record_key IS NULL THEN NULL
        WHEN list_contains(v.met, p.criterion) THEN 'true'
        WHEN list_contains(v.not_met, p.criterion) THEN 'false'
        ELSE 'unknown'
    END AS visit_state,
    b.comparator IS NOT NULL AS is_baseline_censored,
    v.comparator IS NOT NULL AS is_visit_censored,
    coalesce(e.is_abnormal, FALSE) AS is_abnormal_post_dose,
    coalesce(l.is_baseline_lost, FALSE) AS is_baseline_lost,
    coalesce(v.is_transfused, FALSE) AS is_transfused,
    o.analyte IS NOT NULL AS is_measured_out_of_window,
    -- A bound proves a change only from the right side: a baseline is at least, a fallen value at most so much.
    CASE p.improvement
        WHEN 'fall_share' THEN
            b.value_compared - v.value_compared >= p.improved_by * b.value_compared
            AND coalesce(b.comparator, '>') IN ('>', '>=')
            AND coalesce(v.comparator, '<') IN ('<', '<=')
        WHEN 'gain' THEN
            v.value_compared - b.value_compared >= p.improved_by
            AND coalesce(b.comparator, '<') IN ('<', '<=')
            AND coalesce(v.comparator, '>') IN ('>', '>=')
    END AS is_improved,
    coalesce(g.id <> h.id, FALSE) AS is_reference_band_changed,
    b.study_day AS baseline_study_day,
    v.study_day AS visit_study_day,
    v.age_days AS visit_age_days,
    b.value_compared AS baseline_value,
    v.value_compared AS visit_value,
    b.record_key AS baseline_record_key,
    v.record_key AS visit_record_key
FROM pair AS p
LEFT JOIN research.visit_markers AS b
    ON p.subject_key = b.subject_key AND p.analyte = b.analyte AND b.visit = 'baseline' AND b.is_chosen
LEFT JOIN research.visit_markers AS v
    ON p.subject_key = v.subject_key AND p.analyte = v.analyte AND p.visit = v.visit AND v.is_chosen
LEFT JOIN early AS e ON p.subject_key = e.subject_key AND p.criterion = e.criterion
LEFT JOIN lost AS l ON p.subject_key = l.subject_key AND p.analyte = l.analyte
LEFT JOIN later AS o ON p.subject_key = o.subject_key AND p.analyte = o.analyte
LEFT JOIN definitions.threshold AS g
    ON
        p.criterion = g.criterion
        AND p.analyte = g.analyte
        AND g.person = 'infant'
        AND b.age_months >= g.from_months
        AND b.age_months < g.to_months
LEFT JOIN definitions.threshold AS h
    ON
        p.criterion = h.criterion
        AND p.analyte = h.analyte
        AND h.person = 'infant'
        AND v.age_months >= h.from_months
        AND v.age_months < h.to_months
