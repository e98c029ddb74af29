-- grain: one row per subject with a current, included enrolment
-- key: subject_key
-- A month stands as its 15th, flagged by birth_precision. The age at the cut-off is in completed months only: in days it
-- would tell the date of birth to whoever knows the cut-off. Gestation counts completed weeks where the days are unknown.
WITH enrolled AS (
    SELECT *, gestation_weeks * 7 + coalesce(gestation_days, 0) AS gestation_total_days
    FROM staging.current_enrolment
)

SELECT
    e.subject_key,
    e.site,
    coalesce(e.mother_key, e.subject_key) AS family_key,
    e.person,
    e."group",
    e.route,
    e.sex,
    e.birth_precision,
    e.gestation_total_days,
    e.gestation_total_days < p.preterm_below_days AS is_preterm,
    CASE
        WHEN e.gestation_total_days < p.preterm_below_days THEN p.term_days - e.gestation_total_days
        WHEN e.gestation_total_days IS NOT NULL THEN 0
    END AS age_correction_days,
    e.birth_weight_g,
    e.plurality,
    z.elevation_m,
    (e.diagnosed_date - e.birth_date)::INTEGER AS diagnosed_age_days,
    e.diagnosed_precision,
    (e.symptom_onset_date - e.birth_date)::INTEGER AS symptom_onset_age_days,
    e.symptom_onset_precision,
    (e.enrolled_date - e.birth_date)::INTEGER AS enrolled_age_days,
    e.enrolled_precision,
    date_sub('month', e.birth_date, b.cut_off)::INTEGER AS cut_off_age_months,
    z.is_synthetic
FROM enrolled AS e
INNER JOIN staging.sites AS z ON e.site = z.site
CROSS JOIN staging.build AS b
CROSS JOIN definitions.gestation AS p
