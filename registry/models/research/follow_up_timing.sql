-- grain: one row per treated infant and visit
-- key: subject_key, visit
-- Whether what was asked for came in its window, before it or after it. A marker on a day of no window belongs to the
-- nearest visit; of two equally near to the one before, as late. It is late or early only once nothing can come in the
-- window any more; while the window lies ahead or is open, a visit is as research.follow_up has it.
WITH beside AS (
    SELECT
        m.subject_key,
        m.study_day,
        arg_min(v.id, (greatest(v.from_day - m.study_day, m.study_day - v.to_day), v.visit_order)) AS visit
    FROM research.visit_markers AS m
    CROSS JOIN definitions.visit AS v
    WHERE m.visit = 'unscheduled' AND m.study_day > 0
    GROUP BY m.subject_key, m.record_key, m.study_day
),

placed AS (
    SELECT
        b.subject_key,
        b.visit,
        max(b.study_day) FILTER (WHERE b.study_day < v.from_day) AS early_study_day,
        min(b.study_day) FILTER (WHERE b.study_day > v.to_day) AS late_study_day
    FROM beside AS b
    INNER JOIN definitions.visit AS v ON b.visit = v.id
    GROUP BY b.subject_key, b.visit
)

SELECT
    f.subject_key,
    f.site,
    f.visit,
    f.visit_order,
    CASE
        WHEN f.state <> 'missed' THEN f.state
        WHEN p.late_study_day IS NOT NULL THEN 'late'
        WHEN p.early_study_day IS NOT NULL THEN 'early'
        ELSE 'missed'
    END AS state,
    f.from_day,
    f.to_day,
    f.target_day,
    f.first_study_day AS in_window_study_day,
    p.early_study_day,
    p.late_study_day
FROM research.follow_up AS f
INNER JOIN definitions.visit AS v ON f.visit = v.id
LEFT JOIN placed AS p ON f.subject_key = p.subject_key AND f.visit = p.visit
