-- grain: one row per usable marker of a treated infant
-- key: record_key
-- To which visit a marker belongs, and which one counts where a window holds several: the nearest to the target day;
-- of two equally near the earlier; on one day the draw with most of B12, homocysteine and methylmalonic acid, then
-- blood from a vein, then the newest statement, then the greater key. Any other day is unscheduled and kept.
WITH setting AS (
    SELECT
        max(value) FILTER (WHERE id = 'post_dose_to_day')::INTEGER AS post_dose_to_day,
        max(value) FILTER (WHERE id = 'transfusion_effect_days')::INTEGER AS transfusion_days
    FROM definitions.parameter
),

placed AS (
    SELECT
        m.record_key,
        m.subject_key,
        m.analyte,
        m.study_day,
        m.age_days,
        m.counted_markers,
        m.specimen,
        m.event_time_rank,
        coalesce(m.days_since_transfusion <= p.transfusion_days, FALSE) AS is_transfused,
        m.study_day >= b.from_day
        AND m.study_day <= b.to_day
        AND NOT (
            b.is_before_first_dose
            AND m.study_day = 0
            AND coalesce(m.minute_of_day > t.treatment_start_minute, FALSE)
        ) AS is_baseline_day,
        b.is_before_transfusion,
        m.study_day >= 0 AND m.study_day <= p.post_dose_to_day AS is_early_day,
        v.id AS visit_window,
        coalesce(v.target_day, 0) AS target_day
    FROM research.markers AS m
    INNER JOIN research.treatment AS t ON m.subject_key = t.subject_key
    INNER JOIN definitions.baseline_window AS b ON m.analyte = b.item
    LEFT JOIN definitions.visit AS v ON m.study_day >= v.from_day AND m.study_day <= v.to_day
    CROSS JOIN setting AS p
    WHERE m.is_usable AND t.treatment_start_age_days IS NOT NULL
),

named AS (
    SELECT
        *,
        CASE
            WHEN is_baseline_day AND NOT (is_before_transfusion AND is_transfused) THEN 'baseline'
            WHEN is_early_day THEN 'post_dose'
            WHEN visit_window IS NOT NULL THEN visit_window
            ELSE 'unscheduled'
        END AS visit
    FROM placed
),

chosen AS (
    SELECT
        record_key,
        row_number() OVER (
            PARTITION BY subject_key, analyte, visit
            ORDER BY
                abs(study_day - target_day),
                age_days,
                counted_markers DESC,
                specimen = 'capillary_whole_blood',
                event_time_rank DESC,
                record_key DESC
        ) AS place
    FROM named
    WHERE visit NOT IN ('unscheduled', 'post_dose')
)

SELECT
    m.record_key,
    m.subject_key,
    m.site,
    m.analyte,
    n.visit,
    c.record_key IS NOT NULL AS is_chosen,
    m.study_day,
    m.age_days,
    m.age_months,
    m.value,
    m.value_compared,
    m.comparator,
    m.unit,
    m.met,
    m.not_met,
    m.undecided,
    m.days_since_last_dose,
    n.is_transfused,
    n.is_baseline_day AND n.is_transfused AND n.is_before_transfusion AS is_baseline_lost,
    m.is_order_assumed
FROM named AS n
INNER JOIN research.markers AS m ON n.record_key = m.record_key
LEFT JOIN chosen AS c ON n.record_key = c.record_key AND c.place = 1
