-- grain: one row per treated infant and span in which recovery is looked for
-- key: subject_key, visit
-- The visits of every dimension, and the span of the later scan: when each lies, and why nothing may have come of it,
-- whatever the dimension. Marker by marker, what came is in research.follow_up.
WITH span AS (
    SELECT id AS visit, visit_order, from_day, to_day, target_day, FALSE AS is_imaging
    FROM definitions.visit
    UNION ALL
    SELECT
        w.id AS visit,
        max(v.visit_order) + 1 AS visit_order,
        w.from_day,
        w.to_day,
        w.from_day AS target_day,
        TRUE AS is_imaging
    FROM definitions.imaging_window AS w
    CROSS JOIN definitions.visit AS v
    GROUP BY w.id, w.from_day, w.to_day
)


SELECT
    t.subject_key,
    t.site,
    s.visit,
    s.visit_order,
    s.is_imaging,
    s.from_day,
    s.to_day,
    s.target_day,
    CASE
        WHEN x.closed_age_days <= t.treatment_start_age_days + s.to_day THEN x.reason
        WHEN o.cut_off_age_days - t.treatment_start_age_days <= s.to_day THEN 'not_due'
    END AS absent_reason
FROM research.treatment AS t
INNER JOIN core.subjects AS u ON t.subject_key = u.subject_key AND u.person = 'infant'
INNER JOIN staging.observed AS o ON t.subject_key = o.subject_key
CROSS JOIN span AS s
LEFT JOIN research.closings AS x ON t.subject_key = x.subject_key
WHERE t.treatment_start_age_days IS NOT NULL
