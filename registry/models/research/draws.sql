-- grain: one row per occasion on which the infant's blood was taken
-- key: subject_key, age_days, minute_of_day
-- What B12 had reached the infant before: a normal marker after it is no evidence of normality.
-- On one day the order is by time when both times are known; else the blood is taken as before the dose.
WITH setting AS (
    SELECT
        max(days_before) FILTER (WHERE id = 'infant_dose') AS infant_dose_days,
        max(days_before) FILTER (WHERE id = 'mother_dose') AS mother_dose_days,
        max(days_before) FILTER (WHERE id = 'transfusion') AS transfusion_days,
        max(days_before) FILTER (WHERE id = 'feeding') AS feeding_days
    FROM definitions.exposure
),

draw AS (
    SELECT
        r.subject_key,
        r.site,
        r.age_days,
        r.minute_of_day,
        count(DISTINCT r.analyte) FILTER (WHERE r.is_usable AND m.is_counted_in_draw)::INTEGER AS counted_markers
    FROM core.lab_results AS r
    LEFT JOIN definitions.marker AS m ON r.analyte = m.analyte
    WHERE r.person = 'infant' AND r.age_days IS NOT NULL
    GROUP BY r.subject_key, r.site, r.age_days, r.minute_of_day
),

infant_dose AS (
    SELECT subject_key, age_days, min(minute_of_day) AS first_minute
    FROM research.b12_doses
    WHERE person = 'infant'
    GROUP BY subject_key, age_days
),

mother_dose AS (
    SELECT subject_key, age_days, min(minute_of_day) AS first_minute
    FROM research.b12_doses
    WHERE person = 'mother' AND is_therapeutic
    GROUP BY subject_key, age_days
),

transfusion AS (
    SELECT DISTINCT c.subject_key, c.onset_age_days AS age_days
    FROM core.conditions AS c
    INNER JOIN definitions.transfusion AS t ON c.code = t.code
    WHERE c.person = 'infant' AND c.category = 'procedure' AND c.onset_age_days IS NOT NULL
),

formula AS (
    SELECT f.subject_key, f.start_age_days, f.end_age_days
    FROM core.feeding AS f
    INNER JOIN definitions.exposing_feeding AS e ON f.infant = e.code
),

fed AS (
    SELECT DISTINCT d.subject_key, d.age_days
    FROM draw AS d
    INNER JOIN formula AS f ON d.subject_key = f.subject_key AND d.age_days > f.start_age_days
    CROSS JOIN setting AS p
    WHERE coalesce(f.end_age_days, d.age_days) >= d.age_days - p.feeding_days
),

before AS (
    SELECT
        d.*,
        i.age_days AS infant_dose_age,
        m.age_days AS mother_dose_age,
        t.age_days AS transfusion_age
    FROM draw AS d
    ASOF LEFT JOIN infant_dose AS i ON d.subject_key = i.subject_key AND d.age_days > i.age_days
    ASOF LEFT JOIN mother_dose AS m ON d.subject_key = m.subject_key AND d.age_days > m.age_days
    ASOF LEFT JOIN transfusion AS t ON d.subject_key = t.subject_key AND d.age_days > t.age_days
),

timed AS (
    SELECT
        b.*,
        CASE WHEN b.minute_of_day > i.first_minute THEN b.age_days ELSE b.infant_dose_age END AS last_infant_dose_age,
        CASE WHEN b.minute_of_day > m.first_minute THEN b.age_days ELSE b.mother_dose_age END AS last_mother_dose_age,
        i.subject_key IS NOT NULL
        AND (b.minute_of_day IS NULL OR i.first_minute IS NULL) AS is_order_assumed,
        f.subject_key IS NOT NULL AS is_fed_formula
    FROM before AS b
    LEFT JOIN infant_dose AS i ON b.subject_key = i.subject_key AND b.age_days = i.age_days
    LEFT JOIN mother_dose AS m ON b.subject_key = m.subject_key AND b.age_days = m.age_days
    LEFT JOIN fed AS f ON b.subject_key = f.subject_key AND b.age_days = f.age_days
),

judged AS (
    SELECT
        t.*,
        t.age_days - t.last_infant_dose_age AS days_since_last_dose,
        t.age_days - t.transfusion_age AS days_since_transfusion,
        CASE
            WHEN t.age_days - t.last_infant_dose_age <= p.infant_dose_days THEN 'infant_dose'
            WHEN t.age_days - t.last_mother_dose_age <= p.mother_dose_days THEN 'mother_dose'
            WHEN t.age_days - t.transfusion_age <= p.transfusion_days THEN 'transfusion'
            WHEN t.is_fed_formula THEN 'feeding'
        END AS exposure
    FROM timed AS t
    CROSS JOIN setting AS p
)

SELECT
    subject_key,
    site,
    age_days,
    minute_of_day,
    counted_markers,
    days_since_last_dose,
    days_since_transfusion,
    exposure,
    exposure IS NOT NULL AS is_exposed,
    is_order_assumed
FROM judged
