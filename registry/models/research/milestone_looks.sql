-- grain: one row per infant, milestone and day on which it was looked for
-- key: subject_key, code, age_days
-- What was seen on a day, and what had been seen by then. Emerging is not achieved; lost says that it had been attained.
-- A milestone that comes back after a loss is regained, whatever word the site has for it. Not there after it was
-- attained, without a loss, contradicts what was said before: the site is asked, and it counts as no loss.
WITH daily AS (
    SELECT
        m.subject_key,
        m.site,
        m.code,
        m.age_days,
        max(m.age_months) AS age_months,
        arg_max(m.status, (s.status_order, m.record_key)) AS status,
        arg_max(m.observed_precision, (s.status_order, m.record_key)) AS observed_precision,
        arg_max(m.record_key, (s.status_order, m.record_key)) AS record_key,
        min(m.attained_age_days) AS recalled_age_days
    FROM core.milestones AS m
    INNER JOIN definitions.milestone_status AS s ON m.status = s.code
    WHERE m.age_days IS NOT NULL
    GROUP BY m.subject_key, m.site, m.code, m.age_days
),

followed AS (
    SELECT
        d.*,
        s.is_attained,
        s.is_held,
        min(CASE WHEN s.is_attained THEN d.age_days END) OVER milestone AS attained_by_age_days,
        max(CASE WHEN s.is_held THEN d.age_days END) OVER before AS held_age_days,
        max(CASE WHEN s.is_attained AND NOT s.is_held THEN d.age_days END) OVER before AS lost_age_days
    FROM daily AS d
    INNER JOIN definitions.milestone_status AS s ON d.status = s.code
    WINDOW
        milestone AS (PARTITION BY d.subject_key, d.code),
        before AS (
            PARTITION BY d.subject_key, d.code ORDER BY d.age_days ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
),

bounded AS (
    SELECT
        *,
        max(CASE WHEN age_days < attained_by_age_days THEN age_days END) OVER (
            PARTITION BY subject_key, code
        ) AS attained_after_age_days,
        coalesce(lost_age_days > coalesce(held_age_days, lost_age_days - 1), FALSE) AS was_lost
    FROM followed
)

SELECT
    b.subject_key,
    b.site,
    b.code,
    b.age_days,
    b.age_months,
    b.age_days - u.age_correction_days AS corrected_age_days,
    CASE
        WHEN u.is_preterm IS NULL THEN 'gestation_unknown'
        WHEN u.is_preterm AND b.age_months < g.correct_until_months THEN 'corrected'
        ELSE 'chronological'
    END AS age_used,
    b.age_days - t.treatment_start_age_days AS study_day,
    b.status,
    CASE
        WHEN NOT b.is_attained AND b.was_lost THEN 'lost'
        WHEN NOT b.is_attained AND b.age_days > b.attained_by_age_days THEN 'contradicted'
        WHEN NOT b.is_attained THEN 'not_yet'
        WHEN NOT b.is_held THEN 'lost'
        WHEN b.lost_age_days IS NOT NULL OR b.status = 'regained' THEN 'regained'
        ELSE 'attained'
    END AS state,
    b.was_lost,
    b.held_age_days AS last_held_age_days,
    CASE WHEN b.attained_by_age_days IS NOT NULL THEN coalesce(b.attained_after_age_days, 0) END
        AS attained_after_age_days,
    b.attained_by_age_days,
    b.recalled_age_days,
    b.observed_precision,
    b.record_key
FROM bounded AS b
INNER JOIN core.subjects AS u ON b.subject_key = u.subject_key
INNER JOIN research.treatment AS t ON b.subject_key = t.subject_key
CROSS JOIN definitions.gestation AS g
