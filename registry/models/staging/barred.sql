-- grain: one row per site, subject and scope whose events may not be used
-- key: site, subject_key, scope
-- A scope is barred by itself, by `sharing`, or by the scope of the enrolment, without which nothing counts.
WITH scopes AS (
    SELECT DISTINCT scope FROM definitions.consent_scope
    UNION
    SELECT 'mother'
),

needs AS (
    SELECT scope, scope AS needed FROM scopes
    UNION
    SELECT s.scope, 'sharing' FROM scopes AS s
    UNION
    SELECT s.scope, c.scope FROM scopes AS s CROSS JOIN definitions.consent_scope AS c WHERE c.kind = 'enrolment'
),

subjects AS (
    SELECT DISTINCT d.site, d.subject_key
    FROM staging.deliveries AS d
    INNER JOIN staging.sites AS z ON d.site = z.site
    WHERE d.rule IS NULL AND z.consent_basis = 'per_subject'
    UNION
    SELECT site, subject_key FROM staging.consents WHERE status = 'withdrawn'
),

asked AS (
    SELECT s.site, s.subject_key, n.scope, c.status, z.consent_basis
    FROM subjects AS s
    INNER JOIN staging.sites AS z ON s.site = z.site
    CROSS JOIN needs AS n
    LEFT JOIN staging.consents AS c ON s.site = c.site AND s.subject_key = c.subject_key AND n.needed = c.scope
)

SELECT
    site,
    subject_key,
    scope,
    CASE WHEN bool_or(coalesce(status = 'withdrawn', FALSE)) THEN 'withdrawn' ELSE 'held' END AS verdict
FROM asked
GROUP BY site, subject_key, scope
HAVING bool_or(coalesce(status = 'withdrawn', FALSE) OR (status IS NULL AND consent_basis = 'per_subject'))
