-- grain: one row per infant and milestone, observed or not
-- key: subject_key, code
-- When each milestone was attained: in (attained_after, attained_by], which stays through loss and regain. Without a look
-- the state is not_observed. Corrected ages stand beside.
WITH last_look AS (
    SELECT *
    FROM research.milestone_looks
    QUALIFY row_number() OVER (PARTITION BY subject_key, code ORDER BY age_days DESC) = 1
),

counted AS (
    SELECT
        subject_key,
        code,
        count(*)::INTEGER AS looks,
        min(age_days) AS first_look_age_days,
        max(age_days) AS last_look_age_days,
        min(recalled_age_days) AS recalled_age_days,
        arg_min(status, age_days) FILTER (WHERE age_days = attained_by_age_days) AS first_status,
        count(*) FILTER (WHERE state = 'lost' AND NOT was_lost)::INTEGER AS losses,
        count(*) FILTER (WHERE state = 'contradicted')::INTEGER AS contradictions
    FROM research.milestone_looks
    GROUP BY subject_key, code
)

SELECT
    u.subject_key,
    u.site,
    m.code,
    m.area,
    coalesce(l.state, 'not_observed') AS state,
    l.attained_after_age_days,
    l.attained_by_age_days,
    CASE
        WHEN l.attained_after_age_days = 0 THEN 0
        ELSE l.attained_after_age_days - u.age_correction_days
    END AS attained_after_corrected_age_days,
    l.attained_by_age_days - u.age_correction_days AS attained_by_corrected_age_days,
    c.first_status,
    c.recalled_age_days,
    coalesce(c.looks, 0) AS looks,
    c.first_look_age_days,
    c.last_look_age_days,
    coalesce(c.losses, 0) AS losses,
    coalesce(c.contradictions, 0) AS contradictions
FROM core.subjects AS u
CROSS JOIN definitions.milestone AS m
LEFT JOIN last_look AS l ON u.subject_key = l.subject_key AND m.code = l.code
LEFT JOIN counted AS c ON u.subject_key = c.subject_key AND m.code = c.code
WHERE u.person = 'infant' OR c.looks IS NOT NULL
