-- grain: one row per visit and index of growth that was measured
-- key: record_key, index
-- Z-scores of the WHO Child Growth Standards by day and sex. A preterm infant's age is corrected up to
-- definitions.gestation correct_until_months, and before term there is no z-score. Lying and standing are converted to
-- what the standard of the day was measured as. Beyond restricted_from_z the score goes on in equal steps. Of several
-- plausible scores in a visit's window the nearest to the target day counts; of two equally near the earlier.
WITH aged AS (
    -- With the age that counts, and with the age from birth.
    SELECT
        g.record_key,
        b.is_from_birth,
        CASE
            WHEN u.is_preterm AND NOT b.is_from_birth AND g.age_months < p.correct_until_months
                THEN g.age_days - u.age_correction_days
            ELSE g.age_days
        END AS day,
        coalesce(u.is_preterm AND u.gestation_total_days + g.age_days < p.term_days, FALSE) AS is_before_term
    FROM core.growth AS g
    INNER JOIN core.subjects AS u ON g.subject_key = u.subject_key
    CROSS JOIN definitions.gestation AS p
    CROSS JOIN (VALUES (FALSE), (TRUE)) AS b (is_from_birth)
),

positioned AS (
    SELECT
        a.record_key,
        a.is_from_birth,
        a.day,
        a.is_before_term,
        CASE WHEN a.day < r.standing_from_day THEN 'lying' ELSE 'standing' END AS position,
        CASE
            WHEN g.position = 'standing' AND a.day < r.standing_from_day AND g.age_days >= r.can_stand_from_day
                THEN r.lying_minus_standing_cm
            WHEN g.position = 'lying' AND a.day >= r.standing_from_day THEN -r.lying_minus_standing_cm
            ELSE 0
        END AS added_cm,
        (g.length_cm + added_cm)::DECIMAL(28, 12) AS length_cm,
        g.length_cm IS NOT NULL AND g.position IS NULL AS is_position_assumed,
        coalesce(g.position = 'standing' AND g.age_days < r.can_stand_from_day, FALSE) AS is_position_implausible
    FROM aged AS a
    INNER JOIN core.growth AS g ON a.record_key = g.record_key
    CROSS JOIN definitions.growth_rule AS r
),

indexed AS (
    SELECT
        a.record_key,
        a.is_from_birth,
        a.day,
        a.is_before_term,
        a.position,
        a.added_cm,
        a.is_position_assumed,
        a.is_position_implausible,
        u.sex,
        i.code AS index,
        i.unit,
        i.is_weight_based AND coalesce(g.has_oedema, FALSE) AS is_oedema,
        i.factor::DOUBLE * CASE i.quantity
            WHEN 'weight' THEN g.weight_g::DOUBLE
            WHEN 'length' THEN a.length_cm::DOUBLE
            WHEN 'bmi' THEN g.weight_g::DOUBLE / (a.length_cm::DOUBLE * a.length_cm::DOUBLE)
            WHEN 'head_circumference' THEN g.head_circumference_cm::DOUBLE
        END AS measured,
        CASE i.looked_up_by WHEN 'day' THEN a.day::DECIMAL(28, 12) ELSE a.length_cm END AS day_or_cm,
        i.step,
        i.implausible_below,
        i.implausible_above
    FROM positioned AS a
    INNER JOIN core.growth AS g ON a.record_key = g.record_key
    INNER JOIN core.subjects AS u ON g.subject_key = u.subject_key
    CROSS JOIN definitions.growth_index AS i
),

looked_up AS (
    SELECT
        x.*,
        ((x.day_or_cm % x.step) / x.step)::DOUBLE AS share,
        low.l + share * coalesce(high.l - low.l, 0) AS l,
        low.m + share * coalesce(high.m - low.m, 0) AS m,
        low.s + share * coalesce(high.s - low.s, 0) AS s,
        low.index IS NOT NULL AND (share = 0 OR high.index IS NOT NULL) AS is_in_standard
    FROM indexed AS x
    LEFT JOIN definitions.growth_standard AS low
        ON x.index = low.index AND x.sex = low.sex AND x.position = low.position AND x.day_or_cm - x.day_or_cm % x.step = low.day_or_cm
    LEFT JOIN definitions.growth_standard AS high
        ON
            x.index = high.index
            AND x.sex = high.sex
            AND x.position = high.position
            AND x.day_or_cm - x.day_or_cm % x.step + x.step = high.day_or_cm
    WHERE x.measured > 0 AND x.day_or_cm IS NOT NULL
),

explained AS (
    SELECT
        *,
        CASE
            WHEN sex NOT IN ('female', 'male') THEN 'sex_missing'
            WHEN is_before_term THEN 'before_term'
            WHEN is_oedema THEN 'oedema'
            WHEN NOT is_in_standard THEN 'beyond_standard'
        END AS reason
    FROM looked_up
),

scored AS (
    SELECT
        x.record_key,
        x.index,
        x.is_from_birth,
        CASE WHEN x.l = 0 THEN ln(x.measured / x.m) / x.s ELSE (pow(x.measured / x.m, x.l) - 1) / (x.l * x.s) END AS free,
        CASE WHEN free < 0 THEN -1 ELSE 1 END AS side,
        CASE
            WHEN x.l = 0 THEN x.m * exp(x.s * side * r.restricted_from_z)
            ELSE x.m * pow(1 + x.l * x.s * side * r.restricted_from_z, 1 / x.l)
        END AS outer_value,
        CASE
            WHEN x.l = 0 THEN x.m * exp(x.s * side * r.inner_z)
            ELSE x.m * pow(1 + x.l * x.s * side * r.inner_z, 1 / x.l)
        END AS inner_value,
        TRY_CAST(CASE
            WHEN abs(free) <= r.restricted_from_z THEN free
            ELSE side * (
                r.restricted_from_z
                + (x.measured - outer_value) / (outer_value - inner_value) * (r.restricted_from_z - r.inner_z)
            )
        END AS DECIMAL(8, 2)) AS z
    FROM explained AS x
    CROSS JOIN definitions.growth_rule AS r
    WHERE x.reason IS NULL
),

dated AS (
    SELECT
        x.record_key,
        x.index,
        g.age_days - t.treatment_start_age_days AS study_day,
        z.z,
        f.z AS z_uncorrected,
        coalesce(z.z < x.implausible_below OR z.z > x.implausible_above, FALSE) AS is_implausible,
        CASE
            WHEN study_day >= b.from_day AND study_day <= b.to_day THEN 'baseline'
            WHEN study_day IS NOT NULL THEN coalesce(v.id, 'unscheduled')
        END AS visit,
        CASE WHEN visit = v.id THEN v.target_day ELSE 0 END AS target_day
    FROM explained AS x
    INNER JOIN core.growth AS g ON x.record_key = g.record_key
    INNER JOIN definitions.baseline_window AS b ON b.item = 'growth'
    LEFT JOIN scored AS z ON x.record_key = z.record_key AND x.index = z.index AND NOT z.is_from_birth
    LEFT JOIN scored AS f ON x.record_key = f.record_key AND x.index = f.index AND f.is_from_birth
    LEFT JOIN research.treatment AS t ON g.subject_key = t.subject_key
    LEFT JOIN definitions.visit AS v
        ON
            g.age_days - t.treatment_start_age_days >= v.from_day
            AND g.age_days - t.treatment_start_age_days <= v.to_day
    WHERE NOT x.is_from_birth
),

chosen AS (
    SELECT
        d.record_key,
        d.index,
        row_number() OVER (
            PARTITION BY g.subject_key, d.index, d.visit
            ORDER BY abs(d.study_day - d.target_day), g.age_days, g.minute_of_day DESC NULLS LAST, d.record_key DESC
        ) AS place
    FROM dated AS d
    INNER JOIN core.growth AS g ON d.record_key = g.record_key
    WHERE d.visit <> 'unscheduled' AND d.z IS NOT NULL AND NOT d.is_implausible
)

SELECT
    g.subject_key,
    g.site,
    x.record_key,
    x.index,
    g.age_days,
    g.age_months,
    g.age_days - u.age_correction_days AS corrected_age_days,
    x.day AS age_used_days,
    x.day <> g.age_days AS is_age_corrected,
    u.gestation_total_days IS NULL AS is_gestation_unknown,
    g.measured_precision = 'month' OR u.birth_precision = 'month' AS is_age_approximate,
    d.study_day,
    d.visit,
    c.record_key IS NOT NULL AS is_chosen,
    x.measured::DECIMAL(28, 4) AS measured,
    x.unit,
    x.added_cm::DECIMAL(4, 1) AS added_cm,
    x.is_position_assumed,
    x.is_position_implausible,
    d.z,
    d.z_uncorrected,
    d.is_implausible,
    x.reason
FROM explained AS x
INNER JOIN core.growth AS g ON x.record_key = g.record_key
INNER JOIN core.subjects AS u ON g.subject_key = u.subject_key
INNER JOIN dated AS d ON x.record_key = d.record_key AND x.index = d.index
LEFT JOIN chosen AS c ON x.record_key = c.record_key AND x.index = c.index AND c.place = 1
WHERE NOT x.is_from_birth
