-- grain: one row per treated infant and follow-up visit
-- key: subject_key, visit
-- Clinical recovery: every sign of baseline has gone and every lost milestone has come back, and so has a tremor that
-- began under treatment. The infant must have been looked at in the window.
WITH setting AS (
    SELECT from_day, to_day FROM definitions.baseline_window
    WHERE item = 'signs'
),

barred AS (
    SELECT DISTINCT b.subject_key
    FROM staging.barred AS b
    INNER JOIN definitions.consent_scope AS c ON b.scope = c.scope AND c.kind = 'symptom'
),

at_baseline AS (
    SELECT DISTINCT l.subject_key
    FROM research.clinical_looks AS l
    CROSS JOIN setting AS p
    WHERE l.item = 'sign' AND l.study_day >= p.from_day AND l.study_day <= p.to_day
),

later AS (
    SELECT DISTINCT subject_key FROM research.clinical_looks
    WHERE study_day > 0
),

at_visit AS (
    SELECT v.subject_key, v.visit, max(l.study_day) AS study_day
    FROM research.recovery_visits AS v
    INNER JOIN research.clinical_looks AS l ON v.subject_key = l.subject_key AND v.from_day <= l.study_day AND v.to_day >= l.study_day
    GROUP BY v.subject_key, v.visit
),

part AS (
    SELECT
        subject_key,
        visit,
        count(*) FILTER (WHERE basis = 'baseline') AS at_risk,
        count(*) FILTER (WHERE basis = 'baseline' AND is_gone IS NOT NULL) AS assessed,
        count(*) FILTER (WHERE basis = 'baseline' AND is_gone) AS recovered,
        count(*) FILTER (WHERE basis = 'post_dose') AS post_dose,
        bool_or(coalesce(NOT is_gone, FALSE)) AS is_still_abnormal,
        bool_or(is_gone IS NULL) AS is_incomplete
    FROM research.recovery_signs
    GROUP BY subject_key, visit
),

judged AS (
    SELECT
        v.subject_key,
        v.site,
        v.visit,
        CASE
            WHEN p.at_risk > 0 OR p.post_dose > 0 THEN TRUE
            WHEN a.subject_key IS NOT NULL THEN FALSE
        END AS is_at_risk,
        CASE
            WHEN p.at_risk > 0 THEN NULL
            WHEN p.post_dose > 0 THEN 'baseline_post_dose'
            WHEN a.subject_key IS NOT NULL THEN NULL
            WHEN b.subject_key IS NOT NULL THEN 'consent_scope'
            ELSE 'no_baseline'
        END AS baseline_reason,
        CASE
            WHEN s.study_day IS NOT NULL THEN NULL
            WHEN v.absent_reason IS NOT NULL THEN v.absent_reason
            WHEN n.subject_key IS NOT NULL THEN 'out_of_window'
            ELSE 'no_follow_up'
        END AS visit_reason,
        coalesce(p.at_risk, 0)::INTEGER AS parts_at_risk,
        CASE WHEN s.study_day IS NULL THEN 0 ELSE coalesce(p.assessed, 0) END::INTEGER AS parts_assessed,
        CASE WHEN s.study_day IS NULL THEN 0 ELSE coalesce(p.recovered, 0) END::INTEGER AS parts_recovered,
        p.is_still_abnormal,
        p.is_incomplete,
        s.study_day
    FROM research.recovery_visits AS v
    LEFT JOIN part AS p ON v.subject_key = p.subject_key AND v.visit = p.visit
    LEFT JOIN at_baseline AS a ON v.subject_key = a.subject_key
    LEFT JOIN barred AS b ON v.subject_key = b.subject_key
    LEFT JOIN at_visit AS s ON v.subject_key = s.subject_key AND v.visit = s.visit
    LEFT JOIN later AS n ON v.subject_key = n.subject_key
    WHERE NOT v.is_imaging
),

stated AS (
    SELECT
        *,
        CASE
            WHEN baseline_reason IS NOT NULL THEN 'not_assessable'
            WHEN NOT is_at_risk THEN 'not_affected'
            WHEN visit_reason IS NOT NULL THEN 'not_assessable'
            WHEN is_still_abnormal THEN 'not_recovered'
            WHEN is_incomplete THEN 'not_assessable'
            ELSE 'recovered'
        END AS state
    FROM judged
)

SELECT
    subject_key,
    site,
    'clinical' AS dimension,
    visit,
    is_at_risk,
    baseline_reason,
    state,
    CASE WHEN state = 'not_assessable' THEN coalesce(baseline_reason, visit_reason, 'no_follow_up') END AS reason,
    parts_at_risk,
    parts_assessed,
    parts_recovered,
    study_day
FROM stated
