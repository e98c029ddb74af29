-- grain: one row per definition, subject and class above its own
-- key: definition, subject_key, class
-- How near a subject came to each class of cases above its own: of every alternative at every place where a class may be
-- reached, the one that lacks least, and what it lacks. Where no specimen of the subject is abnormal, what is known of
-- its markers and signs altogether stands for the specimen.
-- What lacks nothing was reached only after the span in which a class counts.
WITH setting AS (
    SELECT max(value) FILTER (WHERE id = 'eligible_below_months')::INTEGER AS eligible_months
    FROM definitions.parameter
),

asked AS (
    SELECT c.definition, c.definition_version, c.subject_key, c.site, k.basis, r.class, r.class_order, r.alternative, r.criterion, r.wanted
    FROM research.cases AS c
    INNER JOIN definitions.case_class AS k ON c.definition = k.definition AND k.is_case AND k.class_order < c.class_order
    INNER JOIN definitions.case_rule AS r ON k.definition = r.definition AND k.class = r.class
),

-- Of a subject whose specimens are all normal, or who has none.
overall AS (
    SELECT
        u.subject_key,
        k.code AS criterion,
        CASE
            WHEN bool_or(t.state = 'true') OR bool_or(s.state = 'true') THEN 'true'
            WHEN bool_or(t.state = 'false' AND NOT m.is_exposed) OR bool_or(s.state = 'false') THEN 'false'
            ELSE 'unknown'
        END AS state
    FROM core.subjects AS u
    CROSS JOIN setting AS p
    INNER JOIN definitions.criterion AS k ON k.basis = 'marker'
    LEFT JOIN research.markers AS m
        ON u.subject_key = m.subject_key AND m.is_usable AND m.age_months < p.eligible_months
    LEFT JOIN research.criterion_tests AS t ON m.record_key = t.record_key AND k.code = t.criterion
    LEFT JOIN research.criteria AS s
        ON u.subject_key = s.subject_key AND s.basis = 'sign' AND k.code = s.criterion
    GROUP BY u.subject_key, k.code
),

-- Whether homocysteine or methylmalonic acid was usable decides an alternative by its absence.
functional AS (
    SELECT DISTINCT m.subject_key
    FROM research.markers AS m
    INNER JOIN definitions.marker AS k ON m.analyte = k.analyte AND k.is_functional
    CROSS JOIN setting AS p
    WHERE m.is_usable AND m.age_months < p.eligible_months
),

found AS (
    SELECT subject_key, basis, index_age_days, anchor_age_days, criterion, state, is_at_anchor
    FROM research.criteria
    WHERE basis <> 'subject'
    UNION ALL
    SELECT
        o.subject_key,
        'marker' AS basis,
        NULL AS index_age_days,
        NULL AS anchor_age_days,
        o.criterion,
        CASE
            WHEN o.criterion <> 'functional_usable' THEN o.state
            WHEN f.subject_key IS NULL THEN 'false'
            ELSE 'true'
        END AS state,
        TRUE AS is_at_anchor
    FROM overall AS o
    LEFT JOIN functional AS f ON o.subject_key = f.subject_key
    WHERE o.subject_key NOT IN (SELECT c.subject_key FROM research.case_candidates AS c WHERE c.basis = 'marker')
),

tried AS (
    SELECT
        a.definition,
        a.definition_version,
        a.subject_key,
        a.site,
        a.class,
        a.class_order,
        a.alternative,
        a.basis,
        f.index_age_days,
        f.anchor_age_days,
        count(*)::INTEGER AS criteria,
        count(*) FILTER (WHERE f.state <> a.wanted)::INTEGER AS lacking,
        count(*) FILTER (WHERE f.state <> a.wanted AND f.state <> 'unknown') AS contradicted,
        list(a.criterion ORDER BY a.criterion) FILTER (WHERE f.state = a.wanted) AS met,
        list(a.criterion ORDER BY a.criterion) FILTER (WHERE f.state <> a.wanted) AS missing,
        list(f.state ORDER BY a.criterion) FILTER (WHERE f.state <> a.wanted) AS missing_states,
        list(a.wanted ORDER BY a.criterion) FILTER (WHERE f.state <> a.wanted) AS missing_wanted,
        bool_or(f.is_at_anchor) AS is_at_anchor
    FROM asked AS a
    INNER JOIN found AS f ON a.subject_key = f.subject_key AND a.basis = f.basis AND a.criterion = f.criterion
    GROUP BY ALL
),

nearest AS (
    SELECT *
    FROM tried
    WHERE lacking > 0 OR is_at_anchor OR basis <> 'marker'
    QUALIFY row_number() OVER (
        PARTITION BY definition, subject_key, class
        ORDER BY lacking, contradicted, alternative, anchor_age_days, index_age_days
    ) = 1
)

SELECT
    definition,
    definition_version,
    subject_key,
    site,
    class,
    class_order,
    alternative,
    basis,
    index_age_days,
    anchor_age_days,
    criteria,
    lacking,
    coalesce(met, []) AS met,
    coalesce(missing, []) AS missing,
    coalesce(missing_states, []) AS missing_states,
    coalesce(missing_wanted, []) AS missing_wanted,
    row_number() OVER (PARTITION BY definition, subject_key ORDER BY lacking, contradicted, class_order) = 1 AS is_nearest
FROM nearest
