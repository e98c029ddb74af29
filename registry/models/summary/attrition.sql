-- grain: one row per case definition, step, part of the step and site, and one for all sites
-- key: definition, step, part, site
-- The flow from what was received to who recovered. A subject of whom consent was withdrawn is counted and not named.
WITH definition AS (
    SELECT id AS definition FROM definitions.case_definition
),

visible AS (
    SELECT d.site, d.subject_key, bool_or(v.verdict = 'withdrawn') AS is_withdrawn
    FROM staging.deliveries AS d
    INNER JOIN staging.verdicts AS v ON d.delivery = v.delivery
    WHERE d.rule IS NULL
    GROUP BY d.site, d.subject_key
),

reported AS (
    SELECT
        v.site,
        CASE
            WHEN u.subject_key IS NOT NULL THEN 'enrolled'
            WHEN v.is_withdrawn THEN 'withdrawn'
            ELSE 'not_enrolled'
        END AS step
    FROM visible AS v
    LEFT JOIN core.subjects AS u ON v.site = u.site AND v.subject_key = u.subject_key
    UNION ALL
    SELECT site, 'withdrawn' AS step
    FROM staging.tombstones, range(families)
),

primary_case AS (
    SELECT definition, subject_key, site, treatment_start_age_days
    FROM research.cases
    WHERE is_primary_case
),

recovery AS (
    SELECT r.definition, r.site, r.dimension || ':' || r.visit AS part, r.is_at_risk, r.state
    FROM research.recovery AS r
    WHERE r.is_primary_case AND r.is_at_risk
),

counted AS (
    SELECT d.definition, 'received' AS step, '' AS part, v.site
    FROM staging.verdicts AS v
    CROSS JOIN definition AS d
    UNION ALL
    SELECT d.definition, 'verdict' AS step, v.verdict AS part, v.site
    FROM staging.verdicts AS v
    CROSS JOIN definition AS d
    UNION ALL
    SELECT d.definition, 'reported' AS step, '' AS part, r.site
    FROM reported AS r
    CROSS JOIN definition AS d
    UNION ALL
    SELECT d.definition, r.step, '' AS part, r.site
    FROM reported AS r
    CROSS JOIN definition AS d
    UNION ALL
    SELECT c.definition, 'not_eligible' AS step, c.criteria[1] AS part, c.site
    FROM research.cases AS c
    WHERE c.class = 'not_eligible'
    UNION ALL
    SELECT c.definition, 'eligible' AS step, '' AS part, c.site
    FROM research.cases AS c
    WHERE c.class <> 'not_eligible'
    UNION ALL
    SELECT c.definition, 'not_assessable' AS step, c.reason AS part, c.site
    FROM research.cases AS c
    WHERE c.class = 'not_assessable'
    UNION ALL
    SELECT c.definition, 'assessable' AS step, '' AS part, c.site
    FROM research.cases AS c
    INNER JOIN definitions.case_class AS k ON c.definition = k.definition AND c.class = k.class AND k.is_assessed
    UNION ALL
    SELECT c.definition, 'class' AS step, c.class AS part, c.site
    FROM research.cases AS c
    INNER JOIN definitions.case_class AS k ON c.definition = k.definition AND c.class = k.class AND k.is_assessed
    UNION ALL
    SELECT p.definition, 'primary_case' AS step, '' AS part, p.site
    FROM primary_case AS p
    UNION ALL
    SELECT p.definition, 'treated' AS step, '' AS part, p.site
    FROM primary_case AS p
    WHERE p.treatment_start_age_days IS NOT NULL
    UNION ALL
    SELECT
        p.definition,
        CASE WHEN f.visit = 'baseline' THEN 'baseline' ELSE 'followed_up' END AS step,
        CASE WHEN f.visit = 'baseline' THEN '' ELSE f.visit END AS part,
        p.site
    FROM primary_case AS p
    INNER JOIN research.follow_up AS f ON p.subject_key = f.subject_key AND f.state = 'in_window'
    UNION ALL
    SELECT definition, 'at_risk' AS step, part, site
    FROM recovery
    UNION ALL
    SELECT definition, 'assessed' AS step, part, site
    FROM recovery
    WHERE state <> 'not_assessable'
    UNION ALL
    SELECT definition, 'recovered' AS step, part, site
    FROM recovery
    WHERE state = 'recovered'
),

totals AS (
    SELECT definition, step, part, site, count(*) AS n
    FROM counted
    GROUP BY definition, step, part, site
    UNION ALL
    SELECT definition, step, part, 'all' AS site, count(*) AS n
    FROM counted
    GROUP BY definition, step, part
),

part AS (
    -- Every part that can be named beforehand is shown with its zero, and any other where it occurs.
    SELECT id AS step, '' AS part FROM definitions.attrition_step
    WHERE part = ''
    UNION
    SELECT 'class' AS step, class AS part FROM definitions.case_class
    WHERE is_assessed
    UNION
    SELECT 'followed_up' AS step, id AS part FROM definitions.visit
    UNION
    SELECT s.id AS step, r.code || ':' || v.id AS part
    FROM definitions.attrition_step AS s
    CROSS JOIN definitions.recovery_dimension AS r
    CROSS JOIN definitions.visit AS v
    WHERE s.part = 'dimension:visit' AND r.in_overall <> 'never'
    UNION
    SELECT step, part FROM counted
),

site AS (
    SELECT site FROM staging.sites
    UNION
    SELECT site FROM staging.bounds
    UNION ALL
    SELECT 'all' AS site
)

SELECT
    d.definition,
    s.step_order,
    s.id AS step,
    p.part,
    z.site,
    s.counted,
    coalesce(t.n, 0) AS n
FROM definition AS d
CROSS JOIN definitions.attrition_step AS s
CROSS JOIN site AS z
INNER JOIN part AS p ON s.id = p.step
LEFT JOIN totals AS t ON d.definition = t.definition AND s.id = t.step AND p.part = t.part AND z.site = t.site
