-- grain: one row per definition and subject
-- key: definition, subject_key
-- Of which class a subject is, from when, why, and what was measured before treatment. The index is the earliest
-- specimen at which any class is reached by markers; the class is the best one reached in the span from there.
WITH setting AS (
    SELECT max(value) FILTER (WHERE id = 'eligible_below_months')::INTEGER AS eligible_months
    FROM definitions.parameter
),

-- Where the span of a class begins: the first index date of each basis.
begun AS (
    SELECT definition, subject_key, basis, min(index_age_days) AS index_age_days
    FROM research.case_matches
    WHERE anchor_age_days = index_age_days
    GROUP BY definition, subject_key, basis
),

reached AS (
    SELECT m.*
    FROM research.case_matches AS m
    LEFT JOIN begun AS b
        ON m.definition = b.definition AND m.subject_key = b.subject_key AND m.basis = b.basis
    WHERE m.index_age_days IS NOT DISTINCT FROM b.index_age_days
),

ranked AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY definition, subject_key ORDER BY class_order, alternative, anchor_age_days
        ) AS place
    FROM reached
),

best AS (
    SELECT
        b.definition,
        b.subject_key,
        b.class,
        b.class_order,
        b.alternative,
        b.basis,
        b.index_age_days,
        b.anchor_age_days,
        list(c.criterion ORDER BY c.criterion) AS criteria,
        list(c.state ORDER BY c.criterion) AS states,
        flatten(list(c.record_keys ORDER BY c.criterion)) AS record_keys
    FROM ranked AS b
    INNER JOIN definitions.case_rule AS r
        ON b.definition = r.definition AND b.class = r.class AND b.alternative = r.alternative
    INNER JOIN research.criteria AS c
        ON
            b.subject_key = c.subject_key
            AND b.basis = c.basis
            AND b.index_age_days IS NOT DISTINCT FROM c.index_age_days
            AND b.anchor_age_days IS NOT DISTINCT FROM c.anchor_age_days
            AND r.criterion = c.criterion
    WHERE b.place = 1
    GROUP BY
        b.definition,
        b.subject_key,
        b.class,
        b.class_order,
        b.alternative,
        b.basis,
        b.index_age_days,
        b.anchor_age_days
),

left_over AS (
    SELECT k.definition, k.class, k.class_order
    FROM definitions.case_class AS k
    LEFT JOIN definitions.case_rule AS r ON k.definition = r.definition AND k.class = r.class
    WHERE r.class IS NULL
),

classed AS (
    SELECT
        d.id AS definition,
        d.version AS definition_version,
        u.subject_key,
        u.site,
        coalesce(b.class, l.class) AS class,
        coalesce(b.class_order, l.class_order) AS class_order,
        b.alternative,
        b.basis,
        b.index_age_days,
        b.anchor_age_days,
        coalesce(b.criteria, []) AS criteria,
        coalesce(b.states, []) AS states,
        coalesce(b.record_keys, []) AS record_keys
    FROM core.subjects AS u
    CROSS JOIN definitions.case_definition AS d
    INNER JOIN left_over AS l ON d.id = l.definition
    LEFT JOIN best AS b ON u.subject_key = b.subject_key AND d.id = b.definition
),

flagged AS (
    SELECT
        list(code) FILTER (WHERE flag = 'low_b12') AS low,
        list(code) FILTER (WHERE flag = 'isolated_functional') AS functional
    FROM definitions.criterion
),

measured AS (
    SELECT
        m.subject_key,
        bool_or(m.is_usable AND list_has_any(m.met, f.low)) AS is_low,
        bool_or(m.is_usable AND list_has_any(m.met, f.functional)) AS is_functional,
        bool_or(m.is_usable AND k.is_status_marker AND m.is_order_assumed) AS is_order_assumed,
        bool_or(m.analyte = 'b12' AND m.unusable_reason = 'unit_unconfirmed') AS is_unit_unconfirmed,
        bool_or(m.analyte = 'b12' AND m.is_usable AND list_contains(m.undecided, 'b12_deficient')) AS is_undecidable,
        bool_or(m.analyte = 'b12' AND m.is_usable AND m.is_exposed) AS is_b12_exposed
    FROM research.markers AS m
    INNER JOIN definitions.marker AS k ON m.analyte = k.analyte
    CROSS JOIN setting AS p
    CROSS JOIN flagged AS f
    WHERE m.age_months < p.eligible_months
    GROUP BY m.subject_key
),

baseline AS (
    SELECT
        subject_key,
        max(value) FILTER (WHERE analyte = 'b12') AS b12_pmol_per_l,
        max(comparator) FILTER (WHERE analyte = 'b12') AS b12_comparator,
        max(value) FILTER (WHERE analyte = 'homocysteine') AS homocysteine_umol_per_l,
        max(value) FILTER (WHERE analyte = 'mma') AS mma_umol_per_l,
        max(value) FILTER (WHERE analyte = 'holotranscobalamin') AS holotranscobalamin_pmol_per_l,
        max(value) FILTER (WHERE analyte = 'haemoglobin') AS haemoglobin_g_per_l,
        max(value) FILTER (WHERE analyte = 'mcv') AS mcv_fl
    FROM research.visit_markers
    WHERE visit = 'baseline' AND is_chosen
    GROUP BY subject_key
)

SELECT
    c.definition,
    c.definition_version,
    c.subject_key,
    c.site,
    u.family_key,
    u."group",
    c.class,
    c.class_order,
    CASE
        WHEN len(c.criteria) > 0 THEN NULL
        WHEN m.is_unit_unconfirmed THEN 'unit_unconfirmed'
        WHEN m.is_undecidable THEN 'censored_undecidable'
        WHEN m.is_b12_exposed THEN 'baseline_post_dose'
        ELSE 'no_baseline'
    END AS reason,
    k.is_case,
    k.is_primary AS is_primary_case,
    c.alternative,
    c.criteria,
    c.states,
    c.record_keys,
    c.index_age_days,
    c.anchor_age_days,
    s.end_age_days AS class_end_age_days,
    coalesce(s.is_after_treatment, FALSE) AS is_index_after_treatment,
    t.treatment_start_age_days,
    t.maternal_start_age_days,
    t.regimen,
    t.regimen_doses,
    t.regimen_ug,
    c.class = 'none' AND coalesce(m.is_low, FALSE) AS is_low_b12,
    c.class = 'none' AND coalesce(m.is_functional, FALSE) AS is_isolated_functional,
    coalesce(m.is_order_assumed, FALSE) AS is_order_assumed,
    b.b12_pmol_per_l AS baseline_b12_pmol_per_l,
    b.b12_comparator AS baseline_b12_comparator,
    b.homocysteine_umol_per_l AS baseline_homocysteine_umol_per_l,
    b.mma_umol_per_l AS baseline_mma_umol_per_l,
    b.holotranscobalamin_pmol_per_l AS baseline_holotranscobalamin_pmol_per_l,
    b.haemoglobin_g_per_l AS baseline_haemoglobin_g_per_l,
    b.mcv_fl AS baseline_mcv_fl
FROM classed AS c
INNER JOIN core.subjects AS u ON c.subject_key = u.subject_key
INNER JOIN definitions.case_class AS k ON c.definition = k.definition AND c.class = k.class
INNER JOIN research.treatment AS t ON c.subject_key = t.subject_key
LEFT JOIN research.case_candidates AS s
    ON
        c.subject_key = s.subject_key
        AND c.basis = s.basis
        AND c.index_age_days = s.index_age_days
        AND c.anchor_age_days = s.anchor_age_days
LEFT JOIN measured AS m ON c.subject_key = m.subject_key
LEFT JOIN baseline AS b ON c.subject_key = b.subject_key
