-- grain: one row per subject, basis, candidate index date and anchor
-- key: subject_key, basis, index_age_days, anchor_age_days
-- Where a class may be reached: once for the subject as a whole; at each abnormal specimen (the anchor) in the span of
-- a class that begins at each abnormal specimen (the index); at each day on which a sign was seen.
-- The span ends so many days after the start of treatment; for the untreated, and where treatment had begun so long
-- before the index that this end has passed, so many days after the index.
WITH setting AS (
    SELECT
        max(value) FILTER (WHERE id = 'class_days_after_treatment')::INTEGER AS treated_days,
        max(value) FILTER (WHERE id = 'class_days_untreated')::INTEGER AS untreated_days,
        max(value) FILTER (WHERE id = 'eligible_below_months')::INTEGER AS eligible_months
    FROM definitions.parameter
),

anchoring AS (
    SELECT list(code) AS codes
    FROM definitions.criterion
    WHERE is_anchor
),

abnormal AS (
    SELECT DISTINCT m.subject_key, m.age_days
    FROM research.markers AS m
    CROSS JOIN anchoring AS a
    CROSS JOIN setting AS p
    WHERE m.is_usable AND list_has_any(m.met, a.codes) AND m.age_months < p.eligible_months
),

sign_seen AS (
    SELECT DISTINCT s.subject_key, s.age_days
    FROM research.signs_course AS s
    CROSS JOIN setting AS p
    WHERE s.age_months < p.eligible_months
),

start AS (
    SELECT subject_key, age_days, 'marker' AS basis FROM abnormal
    UNION ALL
    SELECT subject_key, age_days, 'sign' AS basis FROM sign_seen
),

span AS (
    SELECT
        s.subject_key,
        s.basis,
        s.age_days AS index_age_days,
        CASE
            WHEN s.age_days <= t.treatment_start_age_days + p.treated_days
                THEN t.treatment_start_age_days + p.treated_days
            ELSE s.age_days + p.untreated_days
        END AS end_age_days,
        coalesce(s.age_days > t.treatment_start_age_days + p.treated_days, FALSE) AS is_after_treatment
    FROM start AS s
    INNER JOIN research.treatment AS t ON s.subject_key = t.subject_key
    CROSS JOIN setting AS p
)

SELECT
    s.subject_key,
    s.basis,
    s.index_age_days,
    a.age_days AS anchor_age_days,
    s.end_age_days,
    s.is_after_treatment
FROM span AS s
INNER JOIN abnormal AS a
    ON s.subject_key = a.subject_key AND a.age_days >= s.index_age_days AND a.age_days <= s.end_age_days
WHERE s.basis = 'marker'
UNION ALL
SELECT
    subject_key,
    basis,
    index_age_days,
    index_age_days AS anchor_age_days,
    end_age_days,
    is_after_treatment
FROM span
WHERE basis = 'sign'
UNION ALL
SELECT
    subject_key,
    'subject' AS basis,
    NULL AS index_age_days,
    NULL AS anchor_age_days,
    NULL AS end_age_days,
    FALSE AS is_after_treatment
FROM core.subjects
