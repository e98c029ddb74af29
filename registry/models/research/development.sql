-- grain: one row per assessment of one domain
-- key: record_key
-- Each score beside its baseline, within one instrument, edition, domain and kind of score: nothing else is subtracted.
-- What is ordinal has its categories side by side and no change. Scores also change with age and towards the mean
-- without treatment.
WITH setting AS (
    SELECT
        max(value) FILTER (WHERE id = 'reliable_change_z') AS z,
        max(value) FILTER (WHERE id = 'change_without_sem') AS change_without_sem
    FROM definitions.development_rule
),

paired AS (
    SELECT
        s.*,
        v.id AS visit,
        b.record_key AS baseline_record_key,
        b.study_day AS baseline_study_day,
        CASE WHEN NOT b.is_ordinal THEN b.score END AS baseline_score,
        b.category AS baseline_category,
        b.age_used <> s.age_used AS is_age_basis_changed,
        CASE
            WHEN s.record_key <> b.record_key AND s.study_day > b.study_day AND s.has_result AND NOT s.is_ordinal
                THEN s.score - b.score
        END AS change,
        CASE
            WHEN greatest(b.sem, s.sem) IS NOT NULL THEN 'sem'
            WHEN k.code IS NOT NULL THEN 'points'
        END AS margin_from,
        -- A score of the floor was at most so much, one of the ceiling at least.
        coalesce(b.comparator = 'floor', FALSE) OR coalesce(s.comparator = 'ceiling', FALSE) AS is_at_least,
        coalesce(b.comparator = 'ceiling', FALSE) OR coalesce(s.comparator = 'floor', FALSE) AS is_at_most,
        CASE
            -- The square root of 1 + 1: both scores have the error.
            WHEN greatest(b.sem, s.sem) IS NOT NULL THEN (p.z * greatest(b.sem, s.sem) * sqrt(1 + 1))::DECIMAL(18, 6)
            WHEN k.code IS NOT NULL THEN p.change_without_sem::DECIMAL(18, 6)
        END AS margin
    FROM research.scores AS s
    CROSS JOIN setting AS p
    LEFT JOIN definitions.visit AS v ON s.study_day >= v.from_day AND s.study_day <= v.to_day
    LEFT JOIN definitions.recovery_score_type AS k ON s.score_type = k.code
    LEFT JOIN research.scores AS b
        ON s.subject_key = b.subject_key AND s.scale = b.scale AND b.is_baseline AND b.has_result
)

SELECT
    subject_key,
    site,
    record_key,
    instrument,
    edition,
    domain,
    score_type,
    age_days,
    age_months,
    age_used,
    study_day,
    visit,
    status,
    is_blinded,
    CASE WHEN NOT is_ordinal THEN score END AS score,
    comparator,
    category,
    is_baseline AND has_result AS is_baseline,
    baseline_record_key,
    baseline_study_day,
    baseline_score,
    baseline_category,
    change::DECIMAL(28, 12) AS change,
    CASE
        WHEN change IS NULL THEN NULL
        WHEN is_at_least AND is_at_most THEN 'unknown'
        WHEN is_at_least THEN '>='
        WHEN is_at_most THEN '<='
    END AS change_comparator,
    CASE WHEN change IS NOT NULL THEN margin_from END AS margin_from,
    CASE WHEN change IS NOT NULL THEN margin END AS margin,
    (change - margin)::DECIMAL(28, 12) AS change_low,
    (change + margin)::DECIMAL(28, 12) AS change_high,
    CASE WHEN change IS NOT NULL THEN is_age_basis_changed END AS is_age_basis_changed,
    CASE
        WHEN change IS NULL THEN NULL
        WHEN margin IS NULL OR is_age_basis_changed OR (is_at_least AND is_at_most) THEN 'undecided'
        WHEN change >= margin AND NOT is_at_most THEN 'better'
        WHEN change <= -margin AND NOT is_at_least THEN 'worse'
        WHEN is_at_least OR is_at_most THEN 'undecided'
        ELSE 'within_error'
    END AS direction,
    CASE
        WHEN is_untestable THEN 'untestable'
        WHEN study_day IS NULL OR baseline_record_key IS NULL THEN 'no_baseline'
        WHEN change IS NOT NULL AND margin IS NULL THEN 'no_cut_off'
    END AS reason
FROM paired
