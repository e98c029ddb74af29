-- grain: one row per candidate and criterion of its basis
-- key: subject_key, basis, index_age_days, anchor_age_days, criterion
-- What is known of each criterion where a class may be reached: true, false or unknown. Of the infant's values only;
-- the one criterion about the mother says so in its name.
-- A normal marker after exposure to B12 leaves its criterion unknown; an abnormal one counts whatever came before.
WITH setting AS (
    SELECT
        max(value) FILTER (WHERE id = 'pair_days')::INTEGER AS pair_days,
        max(value) FILTER (WHERE id = 'signs_days_before')::INTEGER AS signs_days,
        max(value) FILTER (WHERE id = 'blood_count_days_before')::INTEGER AS blood_count_days,
        max(value) FILTER (WHERE id = 'eligible_below_months')::INTEGER AS eligible_months,
        max(value) FILTER (WHERE id = 'eligible_below_days')::INTEGER AS eligible_days
    FROM definitions.parameter
),

candidate AS (
    SELECT subject_key, basis, index_age_days, anchor_age_days, end_age_days
    FROM research.case_candidates
),

usable AS (
    SELECT m.*
    FROM research.markers AS m
    CROSS JOIN setting AS p
    WHERE m.is_usable AND m.age_months < p.eligible_months
),

said AS (
    SELECT subject_key, record_key, age_days, unnest(met) AS criterion, 'true' AS state FROM usable
    UNION ALL
    SELECT subject_key, record_key, age_days, unnest(not_met) AS criterion, 'false' AS state FROM usable
    WHERE NOT is_exposed
),

stated AS (
    SELECT s.*, k.span, k.is_anchor
    FROM said AS s
    INNER JOIN definitions.criterion AS k ON s.criterion = k.code AND k.basis = 'marker'
),

by_marker AS (
    SELECT
        c.subject_key,
        c.basis,
        c.index_age_days,
        c.anchor_age_days,
        s.criterion,
        CASE WHEN bool_or(s.state = 'true') THEN 'true' ELSE 'false' END AS state,
        bool_or(s.is_anchor AND s.state = 'true' AND s.age_days = c.anchor_age_days) AS is_at_anchor,
        list(s.record_key ORDER BY s.age_days, s.record_key) FILTER (WHERE s.state = 'true') AS record_keys
    FROM candidate AS c
    CROSS JOIN setting AS p
    INNER JOIN stated AS s ON c.subject_key = s.subject_key
    WHERE
        c.basis = 'marker'
        AND s.age_days <= c.end_age_days
        AND (
            (s.span = 'pair' AND s.age_days >= c.anchor_age_days AND s.age_days <= c.anchor_age_days + p.pair_days)
            OR (s.span = 'blood_count' AND s.age_days >= c.index_age_days - p.blood_count_days)
        )
    GROUP BY c.subject_key, c.basis, c.index_age_days, c.anchor_age_days, s.criterion
),

functional AS (
    -- Usable as such: a normal value after a dose is a usable value all the same.
    SELECT u.subject_key, u.record_key, u.age_days
    FROM usable AS u
    INNER JOIN definitions.marker AS m ON u.analyte = m.analyte AND m.is_functional
    WHERE EXISTS (
        SELECT k.code FROM definitions.criterion AS k
        WHERE k.is_anchor AND (list_contains(u.met, k.code) OR list_contains(u.not_met, k.code))
    )
),

by_functional AS (
    SELECT
        c.subject_key,
        c.basis,
        c.index_age_days,
        c.anchor_age_days,
        'functional_usable' AS criterion,
        CASE WHEN count(f.record_key) > 0 THEN 'true' ELSE 'false' END AS state,
        FALSE AS is_at_anchor,
        list(f.record_key ORDER BY f.age_days, f.record_key) FILTER (WHERE f.record_key IS NOT NULL) AS record_keys
    FROM candidate AS c
    CROSS JOIN setting AS p
    LEFT JOIN functional AS f
        ON
            c.subject_key = f.subject_key
            AND f.age_days >= c.anchor_age_days - p.pair_days
            AND f.age_days <= c.anchor_age_days + p.pair_days
            AND f.age_days <= c.end_age_days
    WHERE c.basis = 'marker'
    GROUP BY c.subject_key, c.basis, c.index_age_days, c.anchor_age_days
),

sign_counted AS (
    SELECT c.subject_key, c.basis, c.index_age_days, c.anchor_age_days, s.sign_class, s.code, s.age_days, s.record_key
    FROM candidate AS c
    CROSS JOIN setting AS p
    INNER JOIN research.signs_course AS s
        ON
            c.subject_key = s.subject_key
            AND s.age_days >= c.index_age_days - p.signs_days
            AND s.age_days <= c.end_age_days
    -- What was seen before the index counts only while it lasts.
    WHERE s.age_days >= c.index_age_days OR coalesce(s.gone_age_days > c.index_age_days, TRUE)
),

sign_class AS (
    SELECT
        s.subject_key,
        s.basis,
        s.index_age_days,
        s.anchor_age_days,
        s.sign_class,
        count(DISTINCT s.code) >= any_value(n.at_least) AS is_enough,
        list(s.record_key ORDER BY s.age_days, s.record_key) AS record_keys
    FROM sign_counted AS s
    LEFT JOIN definitions.sign_count AS n ON s.sign_class = n.class
    GROUP BY s.subject_key, s.basis, s.index_age_days, s.anchor_age_days, s.sign_class
),

by_signs AS (
    SELECT
        subject_key,
        basis,
        index_age_days,
        anchor_age_days,
        'signs' AS criterion,
        CASE WHEN bool_or(coalesce(is_enough, FALSE)) THEN 'true' ELSE 'false' END AS state,
        FALSE AS is_at_anchor,
        flatten(list(record_keys ORDER BY sign_class) FILTER (WHERE is_enough)) AS record_keys
    FROM sign_class
    GROUP BY subject_key, basis, index_age_days, anchor_age_days
),

by_evidence AS (
    SELECT
        c.subject_key,
        c.basis,
        c.index_age_days,
        c.anchor_age_days,
        'marker_evidence' AS criterion,
        CASE WHEN bool_or(s.state = 'true') THEN 'true' ELSE 'false' END AS state,
        FALSE AS is_at_anchor,
        list(DISTINCT s.record_key ORDER BY s.record_key) AS record_keys
    FROM candidate AS c
    CROSS JOIN setting AS p
    INNER JOIN stated AS s ON c.subject_key = s.subject_key AND s.is_anchor
    WHERE
        c.basis = 'sign'
        AND s.age_days >= c.index_age_days - p.signs_days
        AND s.age_days <= c.end_age_days
    GROUP BY c.subject_key, c.basis, c.index_age_days, c.anchor_age_days
),

fed AS (
    SELECT
        f.subject_key,
        f.record_key,
        f.start_age_days AS age_days,
        'breastfed' AS criterion,
        CASE WHEN f.is_breastfed THEN 'true' ELSE 'false' END AS state
    FROM core.feeding AS f
    UNION ALL
    SELECT
        f.subject_key,
        f.record_key,
        f.start_age_days AS age_days,
        'mother_vegetarian' AS criterion,
        CASE WHEN d.is_vegetarian THEN 'true' ELSE 'false' END AS state
    FROM core.feeding AS f
    INNER JOIN definitions.maternal_diet AS d ON f.mother_diet = d.code
    UNION ALL
    SELECT
        subject_key,
        record_key,
        age_days,
        'mother_b12_deficient' AS criterion,
        CASE WHEN list_contains(met, 'mother_b12_deficient') THEN 'true' ELSE 'false' END AS state
    FROM research.marker_states
    WHERE
        person = 'mother'
        AND (list_contains(met, 'mother_b12_deficient') OR list_contains(not_met, 'mother_b12_deficient'))
),

by_reason AS (
    SELECT
        c.subject_key,
        c.basis,
        c.index_age_days,
        c.anchor_age_days,
        f.criterion,
        CASE WHEN bool_or(f.state = 'true') THEN 'true' ELSE 'false' END AS state,
        FALSE AS is_at_anchor,
        list(f.record_key ORDER BY f.age_days, f.record_key) FILTER (WHERE f.state = 'true') AS record_keys
    FROM candidate AS c
    INNER JOIN fed AS f ON c.subject_key = f.subject_key AND f.age_days <= c.end_age_days
    WHERE c.basis = 'sign'
    GROUP BY c.subject_key, c.basis, c.index_age_days, c.anchor_age_days, f.criterion
),

aged AS (
    SELECT
        e.subject_key,
        bool_or(e.age_months < p.eligible_months) AS is_under
    FROM (
        SELECT subject_key, age_months FROM research.markers
        UNION ALL
        SELECT subject_key, age_months FROM research.signs_course
    ) AS e
    CROSS JOIN setting AS p
    GROUP BY e.subject_key
),

excluded AS (
    SELECT
        c.subject_key,
        list(c.record_key ORDER BY c.record_key) AS record_keys
    FROM core.conditions AS c
    LEFT JOIN definitions.excluding_condition AS x ON c.code = x.code
    WHERE
        c.person = 'infant'
        AND (c.category = 'exclusion' OR (x.code IS NOT NULL AND c.category IN ('diagnosis', 'comorbidity')))
    GROUP BY c.subject_key
),

b12 AS (
    SELECT
        subject_key,
        list(record_key ORDER BY age_days, record_key) FILTER (WHERE state = 'false') AS record_keys
    FROM said
    WHERE criterion = 'b12_deficient'
    GROUP BY subject_key
),

subject AS (
    SELECT
        u.subject_key,
        CASE WHEN u.person = 'infant' THEN 'true' ELSE 'false' END AS infant,
        -- Without a marker or a sign the enrolment tells, and without its date the age at the cut-off.
        CASE
            WHEN a.is_under OR u.enrolled_age_days < p.eligible_days THEN 'true'
            WHEN a.is_under IS NULL AND u.enrolled_age_days IS NULL AND u.cut_off_age_months < p.eligible_months
                THEN 'true'
            ELSE 'false'
        END AS eligible_age,
        CASE WHEN x.subject_key IS NULL THEN 'false' ELSE 'true' END AS excluding_condition,
        x.record_keys AS excluding_record_keys,
        CASE
            WHEN b.subject_key IS NULL THEN 'unknown'
            WHEN len(b.record_keys) > 0 THEN 'true'
            ELSE 'false'
        END AS unexposed_b12_not_deficient,
        b.record_keys AS b12_record_keys
    FROM core.subjects AS u
    CROSS JOIN setting AS p
    LEFT JOIN aged AS a ON u.subject_key = a.subject_key
    LEFT JOIN excluded AS x ON u.subject_key = x.subject_key
    LEFT JOIN b12 AS b ON u.subject_key = b.subject_key
),

known AS (
    SELECT * FROM by_marker
    UNION ALL
    SELECT * FROM by_functional
    UNION ALL
    SELECT * FROM by_signs
    UNION ALL
    SELECT * FROM by_evidence
    UNION ALL
    SELECT * FROM by_reason
)

SELECT
    c.subject_key,
    c.basis,
    c.index_age_days,
    c.anchor_age_days,
    k.code AS criterion,
    coalesce(s.state, 'unknown') AS state,
    coalesce(s.is_at_anchor, FALSE) AS is_at_anchor,
    coalesce(s.record_keys, []) AS record_keys
FROM candidate AS c
INNER JOIN definitions.criterion AS k ON c.basis = k.basis
LEFT JOIN known AS s
    ON
        c.subject_key = s.subject_key
        AND c.basis = s.basis
        AND c.index_age_days = s.index_age_days
        AND c.anchor_age_days = s.anchor_age_days
        AND k.code = s.criterion
WHERE c.basis <> 'subject'
UNION ALL
SELECT
    s.subject_key,
    k.basis,
    NULL AS index_age_days,
    NULL AS anchor_age_days,
    k.code AS criterion,
    CASE k.code
        WHEN 'infant' THEN s.infant
        WHEN 'eligible_age' THEN s.eligible_age
        WHEN 'excluding_condition' THEN s.excluding_condition
        WHEN 'unexposed_b12_not_deficient' THEN s.unexposed_b12_not_deficient
        ELSE 'unknown'
    END AS state,
    FALSE AS is_at_anchor,
    coalesce(
        CASE k.code
            WHEN 'excluding_condition' THEN s.excluding_record_keys
            WHEN 'unexposed_b12_not_deficient' THEN s.b12_record_keys
        END,
        []
    ) AS record_keys
FROM subject AS s
INNER JOIN definitions.criterion AS k ON k.basis = 'subject'
