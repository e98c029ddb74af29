-- grain: one row per treated infant, follow-up visit and domain that was scored at baseline
-- key: subject_key, visit, scale
-- One domain before and after, within one scale of research.scores: nothing else is compared. The score nearest to the
-- visit's target day is the visit's, of two equally near the earlier.
WITH setting AS (
    SELECT
        max(value) FILTER (WHERE id = 'at_risk_below') AS at_risk_below,
        max(value) FILTER (WHERE id = 'reliable_change_z') AS z,
        max(value) FILTER (WHERE id = 'change_without_sem') AS change_without_sem
    FROM definitions.development_rule
),

baseline AS (
    SELECT * FROM research.scores
    WHERE is_baseline
),

at_visit AS (
    -- A score of the baseline's own days is no follow-up.
    SELECT v.visit, s.*
    FROM research.scores AS s
    INNER JOIN research.recovery_visits AS v
        ON s.subject_key = v.subject_key AND v.from_day <= s.study_day AND v.to_day >= s.study_day
    WHERE NOT v.is_imaging
),

chosen AS (
    SELECT s.*
    FROM at_visit AS s
    INNER JOIN definitions.visit AS v ON s.visit = v.id
    QUALIFY row_number() OVER (
        PARTITION BY s.subject_key, s.visit, s.scale
        ORDER BY s.has_result DESC, abs(s.study_day - v.target_day), s.study_day, s.record_key DESC
    ) = 1
),

later AS (
    SELECT DISTINCT subject_key, scale
    FROM research.scores
    WHERE study_day > 0 AND has_result
),

changed AS (
    -- Something was scored at the visit, if not the same.
    SELECT
        b.subject_key,
        o.visit,
        b.scale,
        bool_or(o.instrument = b.instrument AND o.edition <> b.edition) AS is_edition_changed,
        bool_or(
            o.instrument <> b.instrument
            OR (o.edition = b.edition AND o.domain = b.domain AND o.score_type <> b.score_type)
        ) AS is_instrument_changed
    FROM baseline AS b
    INNER JOIN at_visit AS o ON b.subject_key = o.subject_key AND o.has_result
    GROUP BY b.subject_key, o.visit, b.scale
),

pair AS (
    SELECT
        v.subject_key,
        v.site,
        v.visit,
        b.instrument,
        b.edition,
        b.domain,
        b.score_type,
        b.scale,
        b.score AS baseline_score,
        b.study_day AS baseline_study_day,
        b.record_key AS baseline_record_key,
        CASE
            WHEN b.has_result THEN NULL
            WHEN b.is_untestable THEN 'untestable'
            ELSE 'no_baseline'
        END AS unscored_reason,
        k.code IS NULL AS is_without_cut_off,
        CASE
            WHEN NOT b.has_result OR k.code IS NULL THEN NULL
            WHEN b.score < p.at_risk_below AND coalesce(b.comparator = 'ceiling', FALSE) THEN NULL
            WHEN b.score < p.at_risk_below THEN TRUE
            WHEN coalesce(b.comparator = 'floor', FALSE) THEN NULL
            ELSE FALSE
        END AS is_at_risk,
        CASE WHEN c.has_result THEN c.score END AS visit_score,
        CASE WHEN c.has_result THEN c.study_day END AS visit_study_day,
        CASE WHEN c.has_result THEN c.record_key END AS visit_record_key,
        CASE
            WHEN NOT c.has_result OR k.code IS NULL THEN NULL
            WHEN c.score >= p.at_risk_below AND coalesce(c.comparator = 'floor', FALSE) THEN NULL
            WHEN c.score >= p.at_risk_below THEN TRUE
            WHEN coalesce(c.comparator = 'ceiling', FALSE) THEN NULL
            ELSE FALSE
        END AS is_within,
        c.score - b.score AS change,
        greatest(b.sem, c.sem) AS sem,
        p.z,
        p.change_without_sem,
        -- A score at the floor was at most so much, one at the ceiling at least.
        coalesce(b.comparator, 'floor') = 'floor' AND coalesce(c.comparator, 'ceiling') = 'ceiling' AS is_change_proved,
        coalesce(b.age_used <> c.age_used, FALSE) AS is_age_basis_changed,
        CASE
            WHEN c.has_result THEN NULL
            WHEN c.is_untestable THEN 'untestable'
            WHEN x.is_edition_changed THEN 'edition_changed'
            WHEN x.is_instrument_changed THEN 'instrument_changed'
            WHEN v.absent_reason IS NOT NULL THEN v.absent_reason
            WHEN l.subject_key IS NOT NULL THEN 'out_of_window'
            ELSE 'no_follow_up'
        END AS visit_reason
    FROM baseline AS b
    INNER JOIN research.recovery_visits AS v ON b.subject_key = v.subject_key AND NOT v.is_imaging
    CROSS JOIN setting AS p
    LEFT JOIN definitions.recovery_score_type AS k ON b.score_type = k.code
    LEFT JOIN chosen AS c ON b.subject_key = c.subject_key AND v.visit = c.visit AND b.scale = c.scale
    LEFT JOIN changed AS x ON b.subject_key = x.subject_key AND v.visit = x.visit AND b.scale = x.scale
    LEFT JOIN later AS l ON b.subject_key = l.subject_key AND b.scale = l.scale
),

judged AS (
    SELECT
        *,
        -- At least z x square root of 2 x SEM, compared as squares so that it stays exact.
        is_change_proved
        AND change > 0
        AND CASE
            WHEN sem IS NULL THEN change >= change_without_sem
            ELSE
                (change * change)::DECIMAL(38, 12)
                >= ((z * sem)::DECIMAL(18, 6) * (z * sem)::DECIMAL(18, 6))::DECIMAL(38, 12)
                + ((z * sem)::DECIMAL(18, 6) * (z * sem)::DECIMAL(18, 6))::DECIMAL(38, 12)
        END AS is_reliably_better
    FROM pair
)

SELECT
    subject_key,
    site,
    visit,
    instrument,
    edition,
    domain,
    score_type,
    scale,
    is_at_risk,
    CASE
        WHEN unscored_reason IS NOT NULL OR (is_at_risk IS NULL) THEN 'not_assessable'
        WHEN NOT is_at_risk THEN 'not_affected'
        WHEN visit_reason IS NOT NULL THEN 'not_assessable'
        WHEN is_within THEN 'recovered'
        WHEN is_reliably_better THEN 'improved'
        WHEN NOT is_within THEN 'not_recovered'
        ELSE 'not_assessable'
    END AS state,
    CASE
        WHEN unscored_reason IS NOT NULL THEN unscored_reason
        WHEN is_without_cut_off THEN 'no_cut_off'
        WHEN is_at_risk IS NULL THEN 'censored_undecidable'
        WHEN NOT is_at_risk THEN NULL
        WHEN visit_reason IS NOT NULL THEN visit_reason
        WHEN is_within IS NULL AND NOT is_reliably_better THEN 'censored_undecidable'
    END AS reason,
    baseline_study_day,
    visit_study_day,
    baseline_score,
    visit_score,
    change,
    sem,
    is_age_basis_changed,
    baseline_record_key,
    visit_record_key
FROM judged
