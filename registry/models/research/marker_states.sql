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

tested AS (
    SELECT
        r.record_key,
        t.criterion,
        t.id AS threshold_id,
        CASE t.operator
            WHEN '<' THEN
                CASE
                    WHEN r.comparator IS NULL THEN r.value_compared < t.value
                    WHEN r.comparator = '<' AND r.value_compared <= t.value THEN TRUE
                    WHEN r.comparator = '<=' AND r.value_compared < t.value THEN TRUE
                    WHEN r.comparator IN ('>', '>=') AND r.value_compared >= t.value THEN FALSE
                END
            WHEN '>=' THEN
                CASE
                    WHEN r.comparator IS NULL THEN r.value_compared >= t.value
                    WHEN r.comparator IN ('>', '>=') AND r.value_compared >= t.value THEN TRUE
                    WHEN r.comparator = '<' AND r.value_compared <= t.value THEN FALSE
                    WHEN r.comparator = '<=' AND r.value_compared < t.value THEN FALSE
                END
            WHEN '>' THEN
                CASE
                    WHEN r.comparator IS NULL THEN r.value_compared > t.value
                    WHEN r.comparator = '>' AND r.value_compared >= t.value THEN TRUE
                    WHEN r.comparator = '>=' AND r.value_compared > t.value THEN TRUE
                    WHEN r.comparator IN ('<', '<=') AND r.value_compared <= t.value THEN FALSE
                END
        END AS holds
    FROM result AS r
    INNER JOIN definitions.threshold AS t
        ON
            r.analyte = t.analyte
            AND r.person = t.person
            AND r.age_months >= t.from_months
            AND r.age_months < t.to_months
),

decided AS (
    SELECT
        record_key,
        criterion,
        CASE
            WHEN bool_or(NOT holds) THEN 'false'
            WHEN count(*) = count(holds) THEN 'true'
            ELSE 'unknown'
        END AS state,
        min(threshold_id) AS threshold_id
    FROM tested
    GROUP BY record_key, criterion
),

listed AS (
    SELECT
        record_key,
        list(criterion ORDER BY criterion) FILTER (WHERE state = 'true') AS met,
        list(criterion ORDER BY criterion) FILTER (WHERE state = 'false') AS not_met,
        list(criterion ORDER BY criterion) FILTER (WHERE state = 'unknown') AS undecided,
        list(threshold_id ORDER BY threshold_id) AS thresholds
    FROM decided
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
    coalesce(l.met, []::VARCHAR[]) AS met,
    coalesce(l.not_met, []::VARCHAR[]) AS not_met,
    coalesce(l.undecided, []::VARCHAR[]) AS undecided,
    coalesce(l.thresholds, []::VARCHAR[]) AS thresholds
FROM result AS r
LEFT JOIN listed AS l ON r.record_key = l.record_key
