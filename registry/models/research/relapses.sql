-- grain: one row per treated case whose blood has recovered
-- key: definition, subject_key
-- Relapse: a marker of deficiency (definitions.relapse_criterion) in the infant after the first biochemical recovery. It
-- lies in (lower_study_day, upper_study_day]; without one the infant is censored at the last day on which any was measured.
WITH recovered AS (
    SELECT definition, subject_key, site, class, is_primary_case, upper_study_day AS recovered_study_day
    FROM research.time_to_recovery
    WHERE dimension = 'biochemical' AND event = 'recovered'
),

told AS (
    SELECT
        m.subject_key,
        m.study_day,
        m.record_key,
        k.criterion,
        list_contains(m.met, k.criterion) AS is_met
    FROM research.markers AS m
    INNER JOIN definitions.relapse_criterion AS k
        ON list_contains(m.met, k.criterion) OR list_contains(m.not_met, k.criterion)
    WHERE m.is_usable
),

later AS (
    SELECT
        r.definition,
        r.subject_key,
        max(t.study_day) AS last_study_day,
        min(t.study_day) FILTER (WHERE t.is_met) AS relapse_study_day
    FROM recovered AS r
    INNER JOIN told AS t ON r.subject_key = t.subject_key AND r.recovered_study_day < t.study_day
    GROUP BY r.definition, r.subject_key
),

found AS (
    SELECT
        l.definition,
        l.subject_key,
        max(t.study_day) FILTER (WHERE l.relapse_study_day IS NULL OR t.study_day < l.relapse_study_day)
            AS last_without_study_day,
        list_sort(list(DISTINCT t.criterion) FILTER (WHERE t.is_met AND t.study_day = l.relapse_study_day)) AS criteria,
        list_sort(list(DISTINCT t.record_key) FILTER (WHERE t.is_met AND t.study_day = l.relapse_study_day))
            AS record_keys
    FROM later AS l
    INNER JOIN recovered AS r ON l.definition = r.definition AND l.subject_key = r.subject_key
    INNER JOIN told AS t ON l.subject_key = t.subject_key AND r.recovered_study_day < t.study_day
    GROUP BY l.definition, l.subject_key
)

SELECT
    r.definition,
    r.subject_key,
    r.site,
    r.class,
    r.is_primary_case,
    r.recovered_study_day,
    CASE
        WHEN l.subject_key IS NULL THEN 'not_assessable'
        WHEN l.relapse_study_day IS NULL THEN 'no_relapse'
        ELSE 'relapsed'
    END AS state,
    CASE WHEN l.subject_key IS NULL THEN 'no_follow_up' END AS reason,
    coalesce(f.last_without_study_day, r.recovered_study_day) AS lower_study_day,
    l.relapse_study_day AS upper_study_day,
    coalesce(f.criteria, []) AS criteria,
    coalesce(f.record_keys, []) AS record_keys
FROM recovered AS r
LEFT JOIN later AS l ON r.definition = l.definition AND r.subject_key = l.subject_key
LEFT JOIN found AS f ON r.definition = f.definition AND r.subject_key = f.subject_key
