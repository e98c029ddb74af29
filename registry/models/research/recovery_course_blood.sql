-- grain: one row per treated infant, dimension of the blood and study day after the baseline on which it was measured
-- key: subject_key, dimension, study_day
-- Whether the markers that were abnormal at baseline are within their targets on a day: each by its latest result, not
-- older than the days within which markers decide together.
WITH setting AS (
    SELECT max(value) FILTER (WHERE id = 'pair_days')::INTEGER AS pair_days
    FROM definitions.parameter
),

baseline AS (
    SELECT DISTINCT
        subject_key,
        dimension,
        criterion,
        analyte,
        is_always_needed,
        is_blocking,
        baseline_state,
        baseline_study_day
    FROM research.recovery_markers
),

at_risk AS (
    SELECT
        subject_key,
        dimension,
        max(baseline_study_day) FILTER (WHERE baseline_state = 'true') AS baseline_study_day
    FROM baseline
    GROUP BY subject_key, dimension
    HAVING bool_or(baseline_state = 'true')
),

daily AS (
    -- One result of a day, as at a visit.
    SELECT
        m.subject_key,
        m.analyte,
        m.study_day,
        m.met,
        m.not_met,
        v.is_transfused
    FROM research.markers AS m
    INNER JOIN research.visit_markers AS v ON m.record_key = v.record_key
    WHERE m.study_day > 0 AND NOT (v.is_chosen AND v.visit = 'baseline')
    QUALIFY row_number() OVER (
        PARTITION BY m.subject_key, m.analyte, m.study_day
        ORDER BY
            m.counted_markers DESC,
            m.specimen = 'capillary_whole_blood',
            m.event_time_rank DESC,
            m.record_key DESC
    ) = 1
),

day AS (
    SELECT DISTINCT r.subject_key, r.dimension, d.study_day
    FROM at_risk AS r
    INNER JOIN definitions.recovery_criterion AS k ON r.dimension = k.dimension
    INNER JOIN daily AS d ON r.subject_key = d.subject_key AND k.analyte = d.analyte
    WHERE d.study_day > r.baseline_study_day
),

asked AS (
    SELECT
        y.study_day,
        b.subject_key,
        b.dimension,
        b.criterion,
        b.analyte,
        b.is_blocking,
        coalesce(b.baseline_state = 'true', FALSE) OR b.is_always_needed AS is_needed,
        greatest(b.baseline_study_day, 0) AS baseline_study_day
    FROM day AS y
    INNER JOIN baseline AS b ON y.subject_key = b.subject_key AND y.dimension = b.dimension
),

answered AS (
    SELECT
        a.subject_key,
        a.dimension,
        a.study_day,
        a.is_needed,
        a.is_blocking,
        d.study_day >= a.study_day - p.pair_days
        AND d.study_day > coalesce(a.baseline_study_day, 0)
        AND list_contains(d.met, a.criterion) AS is_abnormal,
        d.study_day >= a.study_day - p.pair_days
        AND d.study_day > coalesce(a.baseline_study_day, 0)
        AND list_contains(d.not_met, a.criterion) AS is_within,
        d.study_day >= a.study_day - p.pair_days AND d.is_transfused AS is_transfused
    FROM asked AS a
    CROSS JOIN setting AS p
    ASOF LEFT JOIN daily AS d
        ON a.subject_key = d.subject_key AND a.analyte = d.analyte AND a.study_day >= d.study_day
)

SELECT
    subject_key,
    dimension,
    study_day,
    CASE
        WHEN dimension = 'haematological' AND bool_or(coalesce(is_transfused, FALSE)) THEN 'undecided'
        WHEN bool_or(coalesce(is_abnormal, FALSE) AND (is_needed OR is_blocking)) THEN 'not_recovered'
        WHEN bool_and(coalesce(is_within, FALSE) OR NOT is_needed) THEN 'recovered'
        ELSE 'undecided'
    END AS state
FROM answered
GROUP BY subject_key, dimension, study_day
