-- grain: one row per treated infant and visit that is asked for and not ruled out
-- key: subject_key, visit
-- What follow-up is due, as of the cut-off, with its dates: so it stays with the operators. Nothing is due after death,
-- moving, loss, completion or withdrawal; what came or was missed before is still told.
WITH started AS (
    SELECT
        t.subject_key,
        e.birth_date + t.treatment_start_age_days AS start_date,
        e.birth_precision = 'month' AS is_approximate
    FROM research.treatment AS t
    INNER JOIN staging.current_enrolment AS e ON t.site = e.site AND t.subject_key = e.subject_key
)

SELECT
    t.site,
    t.subject_key,
    t.visit,
    t.visit_order,
    t.state,
    t.state IN ('due', 'missed') AND c.subject_key IS NULL AS is_wanted,
    c.subject_key IS NOT NULL AS has_left,
    s.start_date + t.from_day AS opens_date,
    s.start_date + t.target_day AS target_date,
    s.start_date + t.to_day AS closes_date,
    s.start_date + CASE t.state
        WHEN 'in_window' THEN t.in_window_study_day
        WHEN 'late' THEN t.late_study_day
        WHEN 'early' THEN t.early_study_day
    END AS came_date,
    (b.cut_off - s.start_date)::INTEGER - t.to_day AS since_closed_days,
    s.is_approximate
FROM research.follow_up_timing AS t
INNER JOIN definitions.due_visit AS d ON t.visit = d.code
INNER JOIN started AS s ON t.subject_key = s.subject_key
LEFT JOIN research.closings AS c ON t.subject_key = c.subject_key
CROSS JOIN staging.build AS b
WHERE t.state <> 'not_expected'
