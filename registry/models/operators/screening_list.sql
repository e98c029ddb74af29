-- grain: one row per screening and infant who should be screened
-- key: screening, subject_key
-- The list for each site, as of the cut-off, with the day by which the infant is too old for it: so it stays with the
-- operators.
SELECT
    s.site,
    s.subject_key,
    s.screening,
    s.cut_off_age_months,
    (e.birth_date + to_months(d.below_months))::DATE AS until_date,
    e.birth_precision = 'month' AS is_approximate
FROM research.screening AS s
INNER JOIN definitions.screening AS d ON s.screening = d.id
INNER JOIN staging.current_enrolment AS e ON s.site = e.site AND s.subject_key = e.subject_key
WHERE s.is_eligible
