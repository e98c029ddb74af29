-- grain: one row per treated infant, dimension of the blood and follow-up visit
-- key: subject_key, dimension, visit
-- Biochemical and haematological recovery, from the markers of research.recovery_markers.
WITH told AS (
    SELECT
        subject_key,
        site,
        visit,
        dimension,
        count(*) FILTER (WHERE baseline_state = 'true') AS parts_at_risk,
        count(*) FILTER (WHERE baseline_state = 'true' AND visit_state IN ('true', 'false')) AS parts_assessed,
        count(*) FILTER (WHERE baseline_state = 'true' AND visit_state = 'false') AS parts_recovered,
        count(baseline_state) FILTER (WHERE baseline_state <> 'unknown') AS decided_at_baseline,
        bool_or(coalesce(baseline_state = 'true', FALSE)) AS is_abnormal,
        bool_or(is_abnormal_post_dose) AS is_abnormal_post_dose,
        bool_or(coalesce(baseline_state = 'unknown', FALSE)) AS is_baseline_undecided,
        bool_or(coalesce(baseline_state = 'unknown' AND is_baseline_censored, FALSE)) AS is_baseline_censored,
        bool_or(is_baseline_lost) AS is_baseline_lost,
        -- What the visit must show: every marker abnormal at baseline, and those that are always needed.
        bool_or(coalesce(visit_state = 'true' AND (baseline_state = 'true' OR is_always_needed OR is_blocking), FALSE))
            AS is_still_abnormal,
        bool_or(
            (coalesce(baseline_state = 'true', FALSE) OR is_always_needed) AND coalesce(visit_state, 'unknown') = 'unknown'
        ) AS is_incomplete,
        bool_or(coalesce(visit_state = 'unknown', FALSE)) AS is_visit_undecided,
        bool_or(coalesce(visit_state = 'unknown' AND is_visit_censored, FALSE)) AS is_visit_censored,
        bool_or(visit_state IS NOT NULL AND (coalesce(baseline_state = 'true', FALSE) OR is_always_needed)) AS is_seen,
        bool_or(is_transfused) AS is_transfused,
        bool_or(is_measured_out_of_window) AS is_measured_out_of_window,
        -- Each abnormal marker that was measured again has changed enough, and at least one was.
        coalesce(
            bool_and(is_improved) FILTER (
                WHERE (baseline_state = 'true' OR is_always_needed) AND is_improved IS NOT NULL
            ),
            FALSE
        ) AS is_improved,
        bool_or(is_reference_band_changed) AS is_reference_band_changed,
        max(visit_study_day) AS study_day
    FROM research.recovery_markers
    GROUP BY subject_key, site, visit, dimension
),

b12 AS (
    SELECT DISTINCT subject_key, visit
    FROM research.visit_markers
    WHERE analyte = 'b12' AND is_chosen
),

unconfirmed AS (
    SELECT DISTINCT m.subject_key, k.dimension
    FROM research.markers AS m
    INNER JOIN definitions.recovery_criterion AS k ON m.analyte = k.analyte
    INNER JOIN definitions.baseline_window AS w ON m.analyte = w.item
    WHERE m.unusable_reason = 'unit_unconfirmed' AND m.study_day >= w.from_day AND m.study_day <= w.to_day
),

judged AS (
    SELECT
        t.subject_key,
        t.site,
        t.dimension,
        t.visit,
        CASE
            WHEN t.is_abnormal OR t.is_abnormal_post_dose THEN TRUE
            WHEN t.decided_at_baseline > 0 AND NOT t.is_baseline_undecided THEN FALSE
        END AS is_at_risk,
        CASE
            WHEN t.is_abnormal THEN NULL
            WHEN t.is_abnormal_post_dose THEN 'baseline_post_dose'
            WHEN t.is_baseline_censored THEN 'censored_undecidable'
            WHEN t.is_baseline_undecided THEN 'no_cut_off'
            WHEN t.decided_at_baseline > 0 THEN NULL
            WHEN t.is_baseline_lost THEN 'transfused'
            WHEN u.dimension IS NOT NULL THEN 'unit_unconfirmed'
            WHEN t.dimension = 'biochemical' AND b.subject_key IS NOT NULL THEN 'b12_only'
            ELSE 'no_baseline'
        END AS baseline_reason,
        CASE
            WHEN t.is_seen THEN NULL
            WHEN f.state IN ('not_due', 'due') THEN 'not_due'
            WHEN f.state = 'not_expected' THEN f.reason
            WHEN t.dimension = 'biochemical' AND v.subject_key IS NOT NULL THEN 'b12_only'
            WHEN t.is_measured_out_of_window THEN 'out_of_window'
            ELSE 'no_follow_up'
        END AS visit_reason,
        t.is_transfused,
        t.is_still_abnormal,
        t.is_incomplete,
        t.is_improved,
        t.is_visit_undecided,
        t.is_visit_censored,
        t.is_reference_band_changed,
        t.parts_at_risk,
        t.parts_assessed,
        t.parts_recovered,
        t.study_day
    FROM told AS t
    INNER JOIN research.follow_up AS f ON t.subject_key = f.subject_key AND t.visit = f.visit
    LEFT JOIN unconfirmed AS u ON t.subject_key = u.subject_key AND t.dimension = u.dimension
    LEFT JOIN b12 AS b ON t.subject_key = b.subject_key AND b.visit = 'baseline'
    LEFT JOIN b12 AS v ON t.subject_key = v.subject_key AND t.visit = v.visit
),

stated AS (
    SELECT
        *,
        CASE
            WHEN baseline_reason IS NOT NULL THEN 'not_assessable'
            WHEN NOT is_at_risk THEN 'not_affected'
            WHEN visit_reason IS NOT NULL THEN 'not_assessable'
            WHEN dimension = 'haematological' AND is_transfused THEN 'not_assessable'
            WHEN NOT is_still_abnormal AND NOT is_incomplete THEN 'recovered'
            WHEN is_improved THEN 'improved'
            WHEN is_still_abnormal THEN 'not_recovered'
            ELSE 'not_assessable'
        END AS state
    FROM judged
)

SELECT
    subject_key,
    site,
    dimension,
    visit,
    is_at_risk,
    baseline_reason,
    state,
    CASE
        WHEN state <> 'not_assessable' THEN NULL
        WHEN baseline_reason IS NOT NULL THEN baseline_reason
        WHEN visit_reason IS NOT NULL THEN visit_reason
        WHEN dimension = 'haematological' AND is_transfused THEN 'transfused'
        WHEN is_visit_censored THEN 'censored_undecidable'
        WHEN is_visit_undecided THEN 'no_cut_off'
        ELSE 'no_follow_up'
    END AS reason,
    parts_at_risk::INTEGER AS parts_at_risk,
    parts_assessed::INTEGER AS parts_assessed,
    parts_recovered::INTEGER AS parts_recovered,
    is_reference_band_changed,
    study_day
FROM stated
