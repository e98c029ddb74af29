-- grain: one row per infant, milestone, day on which it was looked for and scale that has an age for it
-- key: subject_key, code, age_days, scale
-- How a milestone stands against a scale: on time, late, not yet, not yet and past the limit, lost or regained.
-- A limit published for an age under that of definitions.gestation is moved by the correction for preterm birth, also
-- when it is asked of an older child: so nobody becomes late by the step from corrected to chronological age.
WITH limits AS (
    SELECT
        a.milestone,
        a.scale,
        a.months AS published_limit_mo,
        a.status AS limit_status,
        s.limit_centile,
        s.is_referral,
        a.months * r.days_per_month AS limit_days,
        a.months < g.correct_until_months AS is_corrected
    FROM definitions.milestone_ages AS a
    INNER JOIN definitions.milestone_scale AS s ON a.scale = s.code AND a.centile = s.limit_centile
    CROSS JOIN definitions.milestone_rule AS r
    CROSS JOIN definitions.gestation AS g
),

placed AS (
    SELECT
        k.*,
        l.scale,
        l.limit_centile,
        l.published_limit_mo,
        l.limit_status,
        l.is_referral,
        (l.limit_days + CASE WHEN l.is_corrected THEN coalesce(u.age_correction_days, 0) ELSE 0 END)::DECIMAL(18, 4)
            AS age_limit_d
    FROM research.milestone_looks AS k
    INNER JOIN core.subjects AS u ON k.subject_key = u.subject_key
    INNER JOIN limits AS l ON k.code = l.milestone
)

SELECT
    subject_key,
    site,
    code,
    scale,
    age_days,
    age_months,
    corrected_age_days,
    age_used,
    study_day,
    status,
    CASE
        WHEN state = 'not_yet' AND age_days > age_limit_d THEN 'not_yet_past_limit'
        WHEN state <> 'attained' THEN state
        WHEN attained_by_age_days <= age_limit_d THEN 'on_time'
        WHEN attained_after_age_days >= age_limit_d THEN 'late'
        ELSE 'undecided'
    END AS state,
    is_referral AND state = 'not_yet' AND age_days > age_limit_d AS is_referral_flag,
    attained_after_age_days,
    attained_by_age_days,
    limit_centile,
    published_limit_mo,
    age_limit_d,
    limit_status,
    record_key
FROM placed
