-- grain: one row per treated infant whose regimen is a known one, and step of it that is over
-- key: subject_key, step_order
-- What a regimen asks for and what was given. A step that still runs at the cut-off counts for nothing: how far it has
-- come would tell an age on a day that everyone knows. Nor does a step that began after the infant had left; of the one
-- in which it left, nobody can say what was still due.
WITH setting AS (
    SELECT max(value) FILTER (WHERE id = 'regimen_days')::INTEGER AS regimen_days
    FROM definitions.parameter
),

begun AS (
    -- What was missed was meant too: or whoever missed most doses would follow no regimen, and leave the denominator.
    SELECT
        d.subject_key,
        count(*) AS doses,
        min(d.ug) AS least_ug,
        max(d.ug) AS most_ug,
        bool_and(d.ug IS NOT NULL OR d.status <> 'given') AS has_every_ug,
        bool_and(d.route IN (SELECT code FROM definitions.injected_route)) AS is_injected
    FROM research.dose_series AS d
    CROSS JOIN setting AS p
    WHERE
        (d.is_therapeutic OR (d.status <> 'given' AND coalesce(d.purpose = 'therapeutic', TRUE)))
        AND d.study_day >= 0
        AND d.study_day < p.regimen_days
    GROUP BY d.subject_key
),

matched AS (
    SELECT b.subject_key, arg_min(r.id, r.regimen_order) AS regimen
    FROM begun AS b
    INNER JOIN definitions.regimen AS r
        ON
            b.doses >= r.from_doses
            AND b.doses <= r.to_doses
            AND b.has_every_ug
            AND b.least_ug >= r.from_ug
            AND b.most_ug <= r.to_ug
            AND coalesce(b.is_injected = r.is_injected, TRUE)
    GROUP BY b.subject_key
)

SELECT
    m.subject_key,
    t.site,
    m.regimen,
    s.step_order,
    s.from_day,
    s.to_day,
    s.doses AS doses_due,
    count(DISTINCT d.age_days)::INTEGER AS days_with_dose,
    least(s.doses, count(DISTINCT d.age_days))::INTEGER AS doses_met
FROM matched AS m
INNER JOIN research.treatment AS t ON m.subject_key = t.subject_key
INNER JOIN staging.observed AS o ON m.subject_key = o.subject_key
INNER JOIN definitions.regimen_step AS s ON m.regimen = s.regimen
LEFT JOIN research.closings AS c ON m.subject_key = c.subject_key
LEFT JOIN research.dose_series AS d
    ON m.subject_key = d.subject_key AND d.status = 'given' AND d.study_day >= s.from_day AND d.study_day <= s.to_day
WHERE
    o.cut_off_age_days > t.treatment_start_age_days + s.to_day
    AND coalesce(c.closed_age_days > t.treatment_start_age_days + s.to_day, TRUE)
GROUP BY m.subject_key, t.site, m.regimen, s.step_order, s.from_day, s.to_day, s.doses
