-- grain: one row per treated infant and study day after the baseline on which a domain at risk was scored
-- key: subject_key, study_day
-- Whether every domain that was low at baseline has reached the cut-off on a day: each by its latest score in the same
-- instrument, edition and kind, not older than the days within which markers decide together.
WITH setting AS (
    SELECT
        max(p.value) FILTER (WHERE p.id = 'pair_days')::INTEGER AS pair_days,
        max(d.value) FILTER (WHERE d.id = 'at_risk_below') AS at_risk_below
    FROM definitions.parameter AS p
    CROSS JOIN definitions.development_rule AS d
),

domain AS (
    SELECT DISTINCT
        subject_key,
        scale,
        greatest(baseline_study_day, 0) AS baseline_study_day
    FROM research.recovery_domains
    WHERE is_at_risk
),

score AS (
    -- One score of a day, as at a visit.
    SELECT
        a.subject_key,
        a.scale,
        a.study_day,
        a.score,
        a.comparator
    FROM research.scores AS a
    INNER JOIN domain AS d
        ON a.subject_key = d.subject_key AND a.scale = d.scale AND a.study_day > d.baseline_study_day
    WHERE a.has_result
    QUALIFY row_number() OVER (PARTITION BY a.subject_key, a.scale, a.study_day ORDER BY a.record_key DESC) = 1
),

day AS (
    SELECT DISTINCT subject_key, study_day FROM score
),

asked AS (
    SELECT y.subject_key, y.study_day, d.scale
    FROM day AS y
    INNER JOIN domain AS d ON y.subject_key = d.subject_key
),

answered AS (
    SELECT
        a.subject_key,
        a.study_day,
        CASE
            WHEN s.study_day IS NULL OR s.study_day < a.study_day - p.pair_days THEN NULL
            WHEN s.score >= p.at_risk_below AND coalesce(s.comparator <> 'floor', TRUE) THEN TRUE
            WHEN s.score < p.at_risk_below AND coalesce(s.comparator <> 'ceiling', TRUE) THEN FALSE
        END AS is_within
    FROM asked AS a
    CROSS JOIN setting AS p
    ASOF LEFT JOIN score AS s ON a.subject_key = s.subject_key AND a.scale = s.scale AND a.study_day >= s.study_day
)

SELECT
    subject_key,
    study_day,
    CASE
        WHEN bool_or(coalesce(NOT is_within, FALSE)) THEN 'not_recovered'
        WHEN bool_and(coalesce(is_within, FALSE)) THEN 'recovered'
        ELSE 'undecided'
    END AS state
FROM answered
GROUP BY subject_key, study_day
