-- grain: one row per episode of a sign of an infant
-- key: subject_key, code, present_from_age_days
-- When a sign came, in (onset_after, onset_by], on which days it was seen, and when it had gone, in (resolved_after,
-- resolved_by]; null ends are open. Seen and gone on one day counts as seen. What begins after the first dose, as a
-- tremor may, belongs to the course.
WITH daily AS (
    SELECT
        subject_key,
        site,
        code,
        age_days,
        bool_or(status = 'present') AS is_present,
        min(onset_age_days) FILTER (WHERE status = 'present') AS onset_age_days,
        min(record_key) FILTER (WHERE status = 'present') AS record_key,
        bool_or(severity = 'mild') FILTER (WHERE status = 'present') AS is_mild,
        bool_or(severity = 'moderate') FILTER (WHERE status = 'present') AS is_moderate,
        bool_or(severity = 'severe') FILTER (WHERE status = 'present') AS is_severe
    FROM core.symptoms
    WHERE age_days IS NOT NULL
    GROUP BY subject_key, site, code, age_days
),

counted AS (
    -- Days of one episode have the same number of days before them on which the sign was gone.
    SELECT
        *,
        count(*) FILTER (WHERE NOT is_present) OVER before AS episode,
        max(CASE WHEN NOT is_present THEN age_days END) OVER before AS gone_before_age_days,
        min(CASE WHEN NOT is_present THEN age_days END) OVER after AS gone_after_age_days
    FROM daily
    WINDOW
        before AS (
            PARTITION BY subject_key, code ORDER BY age_days ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ),
        after AS (
            PARTITION BY subject_key, code ORDER BY age_days ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
        )
),

episodes AS (
    SELECT
        subject_key,
        code,
        any_value(site) AS site,
        min(age_days) AS present_from_age_days,
        max(age_days) AS present_to_age_days,
        count(*)::INTEGER AS days_seen,
        max(gone_before_age_days) AS absent_age_days,
        max(gone_after_age_days) AS resolved_by_age_days,
        min(onset_age_days) AS onset_reported_age_days,
        CASE
            WHEN bool_or(is_severe) THEN 'severe'
            WHEN bool_or(is_moderate) THEN 'moderate'
            WHEN bool_or(is_mild) THEN 'mild'
        END AS worst_severity,
        list(record_key ORDER BY age_days) AS record_keys
    FROM counted
    WHERE is_present
    GROUP BY subject_key, code, episode
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
    s.class AS sign_class,
    p.present_from_age_days,
    p.present_to_age_days,
    p.days_seen,
    p.worst_severity,
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
INNER JOIN definitions.sign AS s ON p.code = s.code
