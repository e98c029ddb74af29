-- grain: one row per episode of a sign of an infant
-- key: subject_key, code, present_from_age_days
-- When a sign came, in (onset_after, onset_by], on which days it was seen, and when it had gone, in (resolved_after,
-- resolved_by]; null ends are open. What begins after the first dose, as a tremor may, belongs to the course.
WITH episodes AS (
    -- Days of one episode have the same last day before them on which the sign was not there.
    SELECT
        subject_key,
        code,
        any_value(site) AS site,
        any_value(sign_class) AS sign_class,
        min(age_days) AS present_from_age_days,
        max(age_days) AS present_to_age_days,
        count(*)::INTEGER AS days_seen,
        absent_before_age_days AS absent_age_days,
        any_value(absent_after_age_days) AS resolved_by_age_days,
        min(onset_age_days) AS onset_reported_age_days,
        flatten(list(severities)) AS severities,
        list(record_key ORDER BY age_days) AS record_keys
    FROM research.sign_looks
    WHERE is_present
    GROUP BY subject_key, code, absent_before_age_days
),

placed AS (
    SELECT
        e.*,
        t.treatment_start_age_days,
        -- A reported onset counts where it lies within what was seen.
        e.onset_reported_age_days <= e.present_from_age_days
        AND e.onset_reported_age_days > coalesce(e.absent_age_days, e.onset_reported_age_days - 1) AS is_onset_reported
    FROM episodes AS e
    INNER JOIN research.treatment AS t ON e.subject_key = t.subject_key
)

SELECT
    p.subject_key,
    p.site,
    p.code,
    p.sign_class,
    p.present_from_age_days,
    p.present_to_age_days,
    p.days_seen,
    CASE
        WHEN list_contains(p.severities, 'severe') THEN 'severe'
        WHEN list_contains(p.severities, 'moderate') THEN 'moderate'
        WHEN list_contains(p.severities, 'mild') THEN 'mild'
    END AS worst_severity,
    p.absent_age_days AS onset_after_age_days,
    p.present_from_age_days AS onset_by_age_days,
    p.onset_reported_age_days,
    p.present_from_age_days - p.treatment_start_age_days AS onset_by_study_day,
    CASE
        WHEN p.treatment_start_age_days IS NULL THEN 'untreated'
        WHEN p.present_from_age_days <= p.treatment_start_age_days THEN 'before_treatment'
        WHEN p.is_onset_reported AND p.onset_reported_age_days > p.treatment_start_age_days THEN 'under_treatment'
        WHEN p.is_onset_reported THEN 'before_treatment'
        WHEN p.absent_age_days >= p.treatment_start_age_days THEN 'under_treatment'
        ELSE 'undecided'
    END AS began,
    CASE WHEN p.resolved_by_age_days IS NULL THEN 'present' ELSE 'resolved' END AS state,
    p.present_to_age_days AS resolved_after_age_days,
    p.resolved_by_age_days,
    p.resolved_by_age_days - p.treatment_start_age_days AS resolved_by_study_day,
    p.record_keys
FROM placed AS p
