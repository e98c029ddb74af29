-- grain: one row per screening and infant under its age at the cut-off
-- key: screening, subject_key
-- Who should be screened, and what says so or not. Of the infant: a result of a marker of B12 status, usable or not, and
-- a B12 dose that was given; the mother's results and doses count for nothing here. Any reported period that began by
-- the cut-off tells of breastfeeding and of the mother's diet: weaned last month, the infant is at risk all the same.
WITH asked AS (
    SELECT s.*, u.subject_key, u.site, u.cut_off_age_months, o.cut_off_age_days
    FROM definitions.screening AS s
    INNER JOIN core.subjects AS u ON u.person = 'infant' AND u.cut_off_age_months < s.below_months
    INNER JOIN staging.observed AS o ON u.subject_key = o.subject_key
),

fed AS (
    SELECT
        a.id,
        a.subject_key,
        bool_or(coalesce(f.is_breastfed, FALSE)) AS is_breastfed,
        bool_or(coalesce(d.is_vegetarian, FALSE)) AS is_mother_vegetarian
    FROM asked AS a
    LEFT JOIN core.feeding AS f ON a.subject_key = f.subject_key AND f.start_age_days <= a.cut_off_age_days
    LEFT JOIN definitions.maternal_diet AS d ON f.mother_diet = d.code
    GROUP BY a.id, a.subject_key
),

known AS (
    SELECT
        a.id AS screening,
        a.version AS screening_version,
        a.subject_key,
        a.site,
        a.cut_off_age_months,
        f.is_breastfed,
        f.is_mother_vegetarian,
        a.subject_key IN (
            SELECT l.subject_key
            FROM core.lab_results AS l
            INNER JOIN definitions.marker AS m ON l.analyte = m.analyte AND m.is_status_marker
            WHERE l.person = 'infant'
        ) AS has_marker,
        a.subject_key IN (SELECT b.subject_key FROM research.b12_doses AS b WHERE b.person = 'infant') AS has_dose,
        a.subject_key IN (SELECT c.subject_key FROM research.closings AS c) AS has_left
    FROM asked AS a
    INNER JOIN fed AS f ON a.id = f.id AND a.subject_key = f.subject_key
)

SELECT
    k.*,
    k.is_breastfed = s.is_breastfed
    AND k.is_mother_vegetarian = s.is_mother_vegetarian
    AND k.has_marker = s.has_marker
    AND k.has_dose = s.has_dose
    AND NOT k.has_left AS is_eligible
FROM known AS k
INNER JOIN definitions.screening AS s ON k.screening = s.id
