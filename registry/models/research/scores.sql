-- grain: one row per assessment of one domain
-- key: record_key
-- What may be compared with what: scores of one scale, which is one instrument, edition, domain and kind of score. The
-- baseline is the result of its window nearest to the first dose, of two equally near the earlier; where there is none,
-- the nearest attempt. What is ordinal has a category as its result.
WITH told AS (
    SELECT
        a.*,
        concat_ws(':', a.instrument, a.edition, a.domain, a.score_type) AS scale,
        a.age_days - t.treatment_start_age_days AS study_day,
        a.score_type = 'ordinal' AS is_ordinal,
        a.status = 'untestable' OR coalesce(a.category = 'untestable', FALSE) AS is_untestable,
        a.status = 'completed'
        AND (
            a.score IS NOT NULL
            OR (a.score_type = 'ordinal' AND coalesce(a.category <> 'untestable', FALSE))
        ) AS has_result
    FROM core.assessments AS a
    INNER JOIN research.treatment AS t ON a.subject_key = t.subject_key
),

ranked AS (
    SELECT
        s.record_key,
        row_number() OVER (
            PARTITION BY s.subject_key, s.scale
            ORDER BY s.has_result DESC, abs(s.study_day), s.study_day, s.record_key DESC
        ) AS place
    FROM told AS s
    INNER JOIN definitions.baseline_window AS w
        ON w.item = 'assessment' AND w.from_day <= s.study_day AND w.to_day >= s.study_day
)

SELECT
    t.subject_key,
    t.site,
    t.record_key,
    t.scale,
    t.instrument,
    t.edition,
    t.domain,
    t.score_type,
    t.age_days,
    t.age_months,
    t.age_used,
    t.study_day,
    t.status,
    t.is_blinded,
    t.is_ordinal,
    t.is_untestable,
    t.has_result,
    coalesce(r.place = 1, FALSE) AS is_baseline,
    t.score,
    t.comparator,
    t.sem,
    t.category
FROM told AS t
LEFT JOIN ranked AS r ON t.record_key = r.record_key
