-- grain: one row per treated infant
-- key: subject_key
-- Recovery in imaging, over the regions of research.recovery_regions: at risk where a metric lies outside age norms of the
-- same protocol, recovered when each such metric lies within them. Without norms it is not assessable (no_norms).
WITH barred AS (
    SELECT DISTINCT b.subject_key
    FROM staging.barred AS b
    INNER JOIN definitions.consent_scope AS c ON b.scope = c.scope AND c.kind = 'imaging'
),

scanned AS (
    SELECT
        i.subject_key,
        max(i.unusable_reason) FILTER (
            WHERE i.age_days - t.treatment_start_age_days >= w.from_day
            AND i.age_days - t.treatment_start_age_days <= w.to_day
        ) AS unusable_reason,
        bool_or(i.is_usable AND i.age_days - t.treatment_start_age_days > w.to_day) AS is_scanned_later
    FROM core.imaging AS i
    INNER JOIN research.treatment AS t ON i.subject_key = t.subject_key
    INNER JOIN definitions.baseline_window AS w ON w.item = 'imaging'
    GROUP BY i.subject_key
),

told AS (
    SELECT
        subject_key,
        count(*) FILTER (WHERE is_at_risk) AS at_risk,
        count(*) FILTER (WHERE is_at_risk AND is_within IS NOT NULL) AS assessed,
        count(*) FILTER (WHERE is_at_risk AND is_within) AS recovered,
        count(is_at_risk) AS decided,
        bool_or(is_sex_missing) AS is_sex_missing,
        max(visit_study_day) AS study_day
    FROM research.recovery_regions
    GROUP BY subject_key
),

judged AS (
    SELECT
        v.subject_key,
        v.site,
        v.visit,
        CASE WHEN t.at_risk > 0 THEN TRUE WHEN t.decided > 0 THEN FALSE END AS is_at_risk,
        CASE
            WHEN t.decided > 0 THEN NULL
            WHEN t.is_sex_missing THEN 'sex_missing'
            WHEN t.subject_key IS NOT NULL THEN 'no_norms'
            WHEN b.subject_key IS NOT NULL THEN 'consent_scope'
            ELSE coalesce(s.unusable_reason, 'no_baseline')
        END AS baseline_reason,
        CASE
            WHEN t.study_day IS NOT NULL THEN 'no_norms'
            WHEN v.absent_reason IS NOT NULL THEN v.absent_reason
            WHEN s.is_scanned_later THEN 'out_of_window'
            ELSE 'no_follow_up'
        END AS visit_reason,
        coalesce(t.at_risk, 0)::INTEGER AS parts_at_risk,
        coalesce(t.assessed, 0)::INTEGER AS parts_assessed,
        coalesce(t.recovered, 0)::INTEGER AS parts_recovered,
        t.study_day
    FROM research.recovery_visits AS v
    LEFT JOIN told AS t ON v.subject_key = t.subject_key
    LEFT JOIN scanned AS s ON v.subject_key = s.subject_key
    LEFT JOIN barred AS b ON v.subject_key = b.subject_key
    WHERE v.is_imaging
),

stated AS (
    SELECT
        *,
        CASE
            WHEN baseline_reason IS NOT NULL THEN 'not_assessable'
            WHEN NOT is_at_risk THEN 'not_affected'
            WHEN parts_recovered < parts_assessed THEN 'not_recovered'
            WHEN parts_assessed < parts_at_risk THEN 'not_assessable'
            ELSE 'recovered'
        END AS state
    FROM judged
)

SELECT
    subject_key,
    site,
    'imaging' AS dimension,
    visit,
    is_at_risk,
    baseline_reason,
    state,
    CASE WHEN state = 'not_assessable' THEN coalesce(baseline_reason, visit_reason) END AS reason,
    parts_at_risk,
    parts_assessed,
    parts_recovered,
    study_day
FROM stated
