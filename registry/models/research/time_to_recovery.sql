-- grain: one row per treated case and dimension
-- key: definition, subject_key, dimension
-- When a dimension at risk first recovered: in (lower_study_day, upper_study_day], the last look at which it had not and
-- the first at which it had; nothing is put in the middle. Death before recovery competes and has its day. Without
-- either the infant is censored at the last look that decided, and upper_study_day is null.
WITH died AS (
    SELECT s.subject_key, min(s.effective_age_days) - t.treatment_start_age_days AS study_day
    FROM core.statuses AS s
    INNER JOIN definitions.closing_state AS c ON s.state = c.code AND c.reason = 'died'
    INNER JOIN research.treatment AS t ON s.subject_key = t.subject_key
    GROUP BY s.subject_key, t.treatment_start_age_days
),

left_study AS (
    SELECT subject_key, arg_max(absent_reason, visit_order) AS reason
    FROM research.recovery_visits
    WHERE absent_reason IN ('lost', 'no_follow_up')
    GROUP BY subject_key
),

asked AS (
    SELECT
        definition,
        subject_key,
        site,
        class,
        is_primary_case,
        dimension,
        bool_or(is_at_risk) AS is_at_risk,
        min(baseline_reason) AS baseline_reason
    FROM research.recovery
    GROUP BY definition, subject_key, site, class, is_primary_case, dimension
),

recovered AS (
    SELECT subject_key, dimension, min(study_day) AS study_day
    FROM research.recovery_course
    WHERE state = 'recovered'
    GROUP BY subject_key, dimension
),

looked AS (
    SELECT
        c.subject_key,
        c.dimension,
        count(*)::INTEGER AS looks,
        max(c.study_day) AS last_study_day,
        max(c.study_day) FILTER (WHERE r.study_day IS NULL OR c.study_day < r.study_day) AS last_not_recovered_study_day
    FROM research.recovery_course AS c
    LEFT JOIN recovered AS r ON c.subject_key = r.subject_key AND c.dimension = r.dimension
    WHERE c.state <> 'undecided'
    GROUP BY c.subject_key, c.dimension
),

baseline AS (
    -- A baseline may lie a few days after the first dose: the infant had not recovered then.
    SELECT subject_key, dimension, max(baseline_study_day) FILTER (WHERE baseline_state = 'true') AS study_day
    FROM research.recovery_markers
    GROUP BY subject_key, dimension
    UNION ALL
    SELECT subject_key, 'developmental' AS dimension, max(baseline_study_day) FILTER (WHERE is_at_risk) AS study_day
    FROM research.recovery_domains
    GROUP BY subject_key
),

judged AS (
    SELECT
        a.*,
        a.is_at_risk AND a.baseline_reason IS NULL AS is_followed,
        r.study_day AS recovered_study_day,
        d.study_day AS died_study_day,
        coalesce(l.looks, 0) AS looks,
        l.last_study_day,
        greatest(coalesce(l.last_not_recovered_study_day, 0), coalesce(b.study_day, 0), 0)
            AS last_not_recovered_study_day,
        x.reason AS left_reason
    FROM asked AS a
    LEFT JOIN recovered AS r ON a.subject_key = r.subject_key AND a.dimension = r.dimension
    LEFT JOIN looked AS l ON a.subject_key = l.subject_key AND a.dimension = l.dimension
    LEFT JOIN baseline AS b ON a.subject_key = b.subject_key AND a.dimension = b.dimension
    LEFT JOIN died AS d ON a.subject_key = d.subject_key
    LEFT JOIN left_study AS x ON a.subject_key = x.subject_key
)

SELECT
    definition,
    subject_key,
    site,
    class,
    is_primary_case,
    dimension,
    is_at_risk,
    CASE
        WHEN NOT coalesce(is_followed, FALSE) THEN NULL
        WHEN recovered_study_day IS NOT NULL THEN 'recovered'
        WHEN died_study_day IS NOT NULL THEN 'died'
        ELSE 'censored'
    END AS event,
    CASE
        WHEN NOT coalesce(is_followed, FALSE) THEN NULL
        WHEN recovered_study_day IS NULL AND died_study_day IS NOT NULL THEN died_study_day
        ELSE last_not_recovered_study_day
    END AS lower_study_day,
    CASE WHEN is_followed THEN coalesce(recovered_study_day, died_study_day) END AS upper_study_day,
    CASE WHEN is_followed THEN last_not_recovered_study_day END AS last_not_recovered_study_day,
    CASE WHEN is_followed THEN last_study_day END AS last_look_study_day,
    looks,
    CASE
        WHEN baseline_reason IS NOT NULL THEN baseline_reason
        WHEN NOT is_followed OR recovered_study_day IS NOT NULL OR died_study_day IS NOT NULL THEN NULL
        WHEN left_reason IS NOT NULL THEN left_reason
        WHEN looks = 0 THEN 'no_follow_up'
    END AS reason
FROM judged
