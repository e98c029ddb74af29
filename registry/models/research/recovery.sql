-- grain: one row per treated case, dimension and follow-up visit
-- key: definition, subject_key, dimension, visit
-- Whether the infant has recovered, by dimension. A dimension is assessed only where it was abnormal at baseline:
-- not_affected leaves the denominator, not_assessable says why. Change before and after is not the effect of
-- treatment: there is no comparison here, and markers, scores and signs move with age.
WITH dimensions AS (
    SELECT * FROM research.recovery_blood
    UNION ALL BY NAME
    SELECT *, FALSE AS is_reference_band_changed FROM research.recovery_developmental
    UNION ALL BY NAME
    SELECT *, FALSE AS is_reference_band_changed FROM research.recovery_clinical
    UNION ALL BY NAME
    SELECT *, FALSE AS is_reference_band_changed FROM research.recovery_imaging
)

SELECT
    c.definition,
    d.subject_key,
    d.site,
    c.class,
    c.is_primary_case,
    d.dimension,
    d.visit,
    v.visit_order,
    d.is_at_risk,
    d.baseline_reason,
    d.state,
    d.reason,
    d.parts_at_risk,
    d.parts_assessed,
    d.parts_recovered,
    d.is_reference_band_changed,
    d.study_day,
    d.study_day + t.treatment_start_age_days AS age_days
FROM dimensions AS d
INNER JOIN research.recovery_visits AS v ON d.subject_key = v.subject_key AND d.visit = v.visit
INNER JOIN research.treatment AS t ON d.subject_key = t.subject_key
INNER JOIN research.cases AS c ON d.subject_key = c.subject_key
WHERE c.is_case
