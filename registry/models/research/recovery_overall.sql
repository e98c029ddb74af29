-- grain: one row per treated case and follow-up visit
-- key: definition, subject_key, visit
-- The dimensions together. The needed dimension and one of those of which one is needed must be known, abnormal or not;
-- full: every dimension that was at risk and assessed has recovered; partial: any has recovered or improved; none:
-- neither. Dimensions that are at risk and not assessed are named with their reason: show assessed beside at risk.
WITH told AS (
    SELECT
        r.definition,
        r.subject_key,
        r.site,
        r.class,
        r.is_primary_case,
        r.visit,
        r.visit_order,
        bool_or(k.in_overall = 'needed' AND r.state <> 'not_assessable') AS is_needed_known,
        bool_or(k.in_overall = 'either' AND r.state <> 'not_assessable') AS is_either_known,
        min(r.reason) FILTER (WHERE k.in_overall = 'needed') AS needed_reason,
        arg_min(r.reason, (coalesce(NOT r.is_at_risk, TRUE), k.dimension_order))
            FILTER (WHERE k.in_overall = 'either') AS either_reason,
        arg_min(r.reason, k.dimension_order) FILTER (WHERE r.is_at_risk AND r.reason IS NOT NULL) AS at_risk_reason,
        count(*) FILTER (WHERE r.is_at_risk)::INTEGER AS dimensions_at_risk,
        count(*) FILTER (WHERE r.is_at_risk AND r.state <> 'not_assessable')::INTEGER AS dimensions_assessed,
        count(*) FILTER (WHERE r.state = 'recovered')::INTEGER AS dimensions_recovered,
        count(*) FILTER (WHERE r.state = 'improved')::INTEGER AS dimensions_improved,
        list(r.dimension || ':' || r.state ORDER BY k.dimension_order) AS states,
        list(r.dimension || ':' || r.reason ORDER BY k.dimension_order) FILTER (WHERE r.reason IS NOT NULL) AS reasons,
        max(r.study_day) AS study_day
    FROM research.recovery AS r
    INNER JOIN definitions.recovery_dimension AS k ON r.dimension = k.code
    WHERE k.in_overall <> 'never'
    GROUP BY r.definition, r.subject_key, r.site, r.class, r.is_primary_case, r.visit, r.visit_order
),

judged AS (
    SELECT
        *,
        CASE
            WHEN NOT is_needed_known THEN needed_reason
            WHEN NOT is_either_known THEN either_reason
            WHEN dimensions_at_risk > 0 AND dimensions_assessed = 0 THEN at_risk_reason
        END AS reason
    FROM told
)

SELECT
    definition,
    subject_key,
    site,
    class,
    is_primary_case,
    visit,
    visit_order,
    CASE
        WHEN reason IS NOT NULL THEN 'not_assessable'
        WHEN dimensions_at_risk = 0 THEN 'not_affected'
        WHEN dimensions_recovered = dimensions_assessed THEN 'full'
        WHEN dimensions_recovered + dimensions_improved > 0 THEN 'partial'
        ELSE 'none'
    END AS state,
    reason,
    dimensions_at_risk,
    dimensions_assessed,
    dimensions_recovered,
    dimensions_improved,
    states,
    coalesce(reasons, []) AS reasons,
    study_day
FROM judged
