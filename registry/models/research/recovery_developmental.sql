-- grain: one row per treated infant and follow-up visit
-- key: subject_key, visit
-- Developmental recovery over the domains of research.recovery_domains: recovered when each domain at risk has, improved
-- when each that was scored again has recovered or improved. Domains are never averaged.
WITH barred AS (
    SELECT DISTINCT b.subject_key
    FROM staging.barred AS b
    INNER JOIN definitions.consent_scope AS c ON b.scope = c.scope AND c.kind = 'assessment'
),

told AS (
    SELECT
        subject_key,
        visit,
        count(*) FILTER (WHERE is_at_risk) AS at_risk,
        count(*) FILTER (WHERE is_at_risk AND state <> 'not_assessable') AS assessed,
        count(*) FILTER (WHERE is_at_risk AND state = 'recovered') AS recovered,
        count(*) FILTER (WHERE is_at_risk AND state = 'improved') AS improved,
        count(*) FILTER (WHERE is_at_risk IS NOT NULL) AS decided,
        list(reason) FILTER (WHERE is_at_risk IS NULL) AS baseline_reasons,
        list(reason) FILTER (WHERE is_at_risk AND reason IS NOT NULL) AS visit_reasons,
        max(visit_study_day) AS study_day
    FROM research.recovery_domains
    GROUP BY subject_key, visit
),

judged AS (
    SELECT
        v.subject_key,
        v.site,
        v.visit,
        -- A kind of score that has no cut-off says nothing beside one that has.
        CASE
            WHEN t.at_risk > 0 THEN TRUE
            WHEN
                t.decided > 0
                AND NOT list_has_any(
                    coalesce(t.baseline_reasons, []), ['untestable', 'censored_undecidable', 'no_baseline']
                )
                THEN FALSE
        END AS is_at_risk,
        CASE
            WHEN list_contains(t.baseline_reasons, 'untestable') THEN 'untestable'
            WHEN list_contains(t.baseline_reasons, 'censored_undecidable') THEN 'censored_undecidable'
            WHEN list_contains(t.baseline_reasons, 'no_baseline') THEN 'no_baseline'
            WHEN list_contains(t.baseline_reasons, 'no_cut_off') THEN 'no_cut_off'
            WHEN b.subject_key IS NOT NULL THEN 'consent_scope'
            ELSE 'no_baseline'
        END AS undecided_reason,
        CASE
            WHEN list_contains(t.visit_reasons, 'untestable') THEN 'untestable'
            WHEN list_contains(t.visit_reasons, 'edition_changed') THEN 'edition_changed'
            WHEN list_contains(t.visit_reasons, 'instrument_changed') THEN 'instrument_changed'
            WHEN list_contains(t.visit_reasons, 'censored_undecidable') THEN 'censored_undecidable'
            WHEN v.absent_reason IS NOT NULL THEN v.absent_reason
            WHEN list_contains(t.visit_reasons, 'out_of_window') THEN 'out_of_window'
            ELSE 'no_follow_up'
        END AS visit_reason,
        coalesce(t.at_risk, 0)::INTEGER AS parts_at_risk,
        coalesce(t.assessed, 0)::INTEGER AS parts_assessed,
        coalesce(t.recovered, 0)::INTEGER AS parts_recovered,
        coalesce(t.improved, 0)::INTEGER AS improved,
        t.study_day
    FROM research.recovery_visits AS v
    LEFT JOIN told AS t ON v.subject_key = t.subject_key AND v.visit = t.visit
    LEFT JOIN barred AS b ON v.subject_key = b.subject_key
    WHERE NOT v.is_imaging
),

stated AS (
    SELECT
        *,
        CASE
            WHEN is_at_risk IS NULL THEN 'not_assessable'
            WHEN NOT is_at_risk THEN 'not_affected'
            WHEN parts_assessed = 0 THEN 'not_assessable'
            WHEN parts_recovered = parts_at_risk THEN 'recovered'
            WHEN parts_recovered + improved = parts_assessed THEN 'improved'
            ELSE 'not_recovered'
        END AS state
    FROM judged
)

SELECT
    subject_key,
    site,
    'developmental' AS dimension,
    visit,
    is_at_risk,
    CASE WHEN is_at_risk IS NULL THEN undecided_reason END AS baseline_reason,
    state,
    CASE
        WHEN state <> 'not_assessable' THEN NULL
        WHEN is_at_risk IS NULL THEN undecided_reason
        ELSE visit_reason
    END AS reason,
    parts_at_risk,
    parts_assessed,
    parts_recovered,
    study_day
FROM stated
