-- grain: one row per treated infant and visit, baseline among them
-- key: subject_key, visit
-- What was due and what came, as of the cut-off, with the result that counts for each marker.
--   in_window: a marker was measured; due: the window is open; not_due: it lies ahead; missed: it closed empty;
--   not_expected: the infant had died or left before it closed.
WITH window_day AS (
    SELECT
        id AS visit,
        visit_order,
        from_day,
        to_day,
        target_day
    FROM definitions.visit
    UNION ALL
    SELECT
        'baseline' AS visit,
        0 AS visit_order,
        min(b.from_day) AS from_day,
        max(b.to_day) AS to_day,
        0 AS target_day
    FROM definitions.baseline_window AS b
    INNER JOIN definitions.marker AS m ON b.item = m.analyte
),

treated AS (
    SELECT
        t.subject_key,
        t.site,
        t.treatment_start_age_days,
        o.cut_off_age_days - t.treatment_start_age_days AS cut_off_study_day
    FROM research.treatment AS t
    INNER JOIN core.subjects AS u ON t.subject_key = u.subject_key
    INNER JOIN staging.observed AS o ON t.subject_key = o.subject_key
    WHERE t.treatment_start_age_days IS NOT NULL AND u.person = 'infant'
),

chosen AS (
    SELECT
        subject_key,
        visit,
        count(*)::INTEGER AS markers,
        min(study_day) AS first_study_day,
        max(study_day) AS last_study_day,
        max(value) FILTER (WHERE analyte = 'b12') AS b12_pmol_per_l,
        max(comparator) FILTER (WHERE analyte = 'b12') AS b12_comparator,
        max(value) FILTER (WHERE analyte = 'homocysteine') AS homocysteine_umol_per_l,
        max(comparator) FILTER (WHERE analyte = 'homocysteine') AS homocysteine_comparator,
        max(value) FILTER (WHERE analyte = 'mma') AS mma_umol_per_l,
        max(comparator) FILTER (WHERE analyte = 'mma') AS mma_comparator,
        max(value) FILTER (WHERE analyte = 'holotranscobalamin') AS holotranscobalamin_pmol_per_l,
        max(comparator) FILTER (WHERE analyte = 'holotranscobalamin') AS holotranscobalamin_comparator,
        max(value) FILTER (WHERE analyte = 'haemoglobin') AS haemoglobin_g_per_l,
        max(value_compared) FILTER (WHERE analyte = 'haemoglobin') AS haemoglobin_adjusted_g_per_l,
        max(value) FILTER (WHERE analyte = 'mcv') AS mcv_fl,
        list(record_key ORDER BY analyte) AS record_keys
    FROM research.visit_markers
    WHERE is_chosen
    GROUP BY subject_key, visit
),

beside AS (
    SELECT subject_key, count(*)::INTEGER AS unscheduled_markers
    FROM research.visit_markers
    WHERE visit = 'unscheduled'
    GROUP BY subject_key
)

SELECT
    t.subject_key,
    t.site,
    w.visit,
    w.visit_order,
    CASE
        WHEN c.markers > 0 THEN 'in_window'
        WHEN x.closed_age_days <= t.treatment_start_age_days + w.to_day THEN 'not_expected'
        WHEN t.cut_off_study_day < w.from_day THEN 'not_due'
        WHEN t.cut_off_study_day <= w.to_day THEN 'due'
        ELSE 'missed'
    END AS state,
    CASE
        WHEN c.markers > 0 THEN NULL
        WHEN x.closed_age_days <= t.treatment_start_age_days + w.to_day THEN x.reason
        WHEN t.cut_off_study_day <= w.to_day THEN 'not_due'
        WHEN w.visit = 'baseline' THEN 'no_baseline'
        WHEN b.unscheduled_markers > 0 THEN 'out_of_window'
        ELSE 'no_follow_up'
    END AS reason,
    w.from_day,
    w.to_day,
    w.target_day,
    t.treatment_start_age_days + w.from_day AS from_age_days,
    t.treatment_start_age_days + w.to_day AS to_age_days,
    c.first_study_day,
    c.last_study_day,
    coalesce(c.markers, 0) AS markers,
    coalesce(b.unscheduled_markers, 0) AS unscheduled_markers,
    c.b12_pmol_per_l,
    c.b12_comparator,
    c.homocysteine_umol_per_l,
    c.homocysteine_comparator,
    c.mma_umol_per_l,
    c.mma_comparator,
    c.holotranscobalamin_pmol_per_l,
    c.holotranscobalamin_comparator,
    c.haemoglobin_g_per_l,
    c.haemoglobin_adjusted_g_per_l,
    c.mcv_fl,
    coalesce(c.record_keys, []) AS record_keys
FROM treated AS t
CROSS JOIN window_day AS w
LEFT JOIN research.closings AS x ON t.subject_key = x.subject_key
LEFT JOIN chosen AS c ON t.subject_key = c.subject_key AND w.visit = c.visit
LEFT JOIN beside AS b ON t.subject_key = b.subject_key
