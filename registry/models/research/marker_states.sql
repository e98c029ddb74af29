-- grain: one row per usable result of a marker, of the infant or of the mother
-- key: record_key
-- Which criteria the result meets, does not meet, or cannot decide, by the thresholds of its person, analyte and age.
-- A censored result decides only when its bound lies on the telling side of the threshold. A criterion that is in none
-- of the three lists has no cut-off at this age.
WITH result AS (
    SELECT
        r.record_key,
        r.subject_key,
        r.person,
        r.analyte,
        r.comparator,
        r.age_days,
        r.age_months,
        -- Haemoglobin is compared as at sea level; below sea level nothing is added.
        CASE
            WHEN a.analyte IS NULL THEN r.value
            ELSE (
                r.value
                - a.linear * greatest(coalesce(u.elevation_m, 0), 0)
                - (a.quadratic * greatest(coalesce(u.elevation_m, 0), 0)) * greatest(coalesce(u.elevation_m, 0), 0)
            )::DECIMAL(28, 12)
        END AS value_compared
    FROM core.lab_results AS r
    INNER JOIN definitions.marker AS m ON r.analyte = m.analyte
    INNER JOIN core.subjects AS u ON r.subject_key = u.subject_key
    LEFT JOIN definitions.elevation_adjustment AS a ON r.analyte = a.analyte
    WHERE r.is_usable AND r.value IS NOT NULL
),

band AS (
    -- What a criterion asks at an age, in one row: the thresholds of one criterion and age range belong together.
    SELECT
        person,
        analyte,
        criterion,
        from_months,
        to_months,
        min(value) FILTER (WHERE operator = '<') AS below,
        max(value) FILTER (WHERE operator = '>=') AS at_least,
        max(value) FILTER (WHERE operator = '>') AS above
    FROM definitions.threshold
    GROUP BY person, analyte, criterion, from_months, to_months
),

tested AS (
    SELECT
        r.record_key,
        b.criterion,
        (
            b.below IS NULL
            OR CASE
                WHEN r.comparator IS NULL THEN r.value_compared < b.below
                WHEN r.comparator = '<' AND r.value_compared <= b.below THEN TRUE
                WHEN r.comparator = '<=' AND r.value_compared < b.below THEN TRUE
                WHEN r.comparator IN ('>', '>=') AND r.value_compared >= b.below THEN FALSE
            END
        )
        AND (
            b.at_least IS NULL
            OR CASE
                WHEN r.comparator IS NULL THEN r.value_compared >= b.at_least
                WHEN r.comparator IN ('>', '>=') AND r.value_compared >= b.at_least THEN TRUE
                WHEN r.comparator = '<' AND r.value_compared <= b.at_least THEN FALSE
                WHEN r.comparator = '<=' AND r.value_compared < b.at_least THEN FALSE
            END
        )
        AND (
            b.above IS NULL
            OR CASE
                WHEN r.comparator IS NULL THEN r.value_compared > b.above
                WHEN r.comparator = '>' AND r.value_compared >= b.above THEN TRUE
                WHEN r.comparator = '>=' AND r.value_compared > b.above THEN TRUE
                WHEN r.comparator IN ('<', '<=') AND r.value_compared <= b.above THEN FALSE
            END
        ) AS holds
    FROM result AS r
    INNER JOIN band AS b
        ON
            r.analyte = b.analyte
            AND r.person = b.person
            AND r.age_months >= b.from_months
            AND r.age_months < b.to_months
),

listed AS (
    SELECT
        record_key,
        list(criterion) FILTER (WHERE holds) AS met,
        list(criterion) FILTER (WHERE NOT holds) AS not_met,
        list(criterion) FILTER (WHERE holds IS NULL) AS undecided
    FROM tested
    GROUP BY record_key
)

SELECT
    r.record_key,
    r.subject_key,
    r.person,
    r.analyte,
    r.age_days,
    r.age_months,
    r.value_compared,
    -- Sorted here: sorting inside the aggregate is many times slower.
    list_sort(coalesce(l.met, [])) AS met,
    list_sort(coalesce(l.not_met, [])) AS not_met,
    list_sort(coalesce(l.undecided, [])) AS undecided
FROM result AS r
LEFT JOIN listed AS l ON r.record_key = l.record_key
