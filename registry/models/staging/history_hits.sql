-- grain: one row per current version and rule of history that finds it
-- key: delivery, rule
-- A milestone that is not there after it was, with no loss reported between: a month counts as any of its days, so that
-- a doubt finds nothing. And a person's results that are all the same as on an earlier day, put at the first of them.
WITH looks AS (
    SELECT
        l.delivery,
        l.site,
        l.subject_key,
        l.code,
        s.is_attained,
        s.is_held,
        CASE l.observed_precision
            WHEN 'month' THEN date_trunc('month', l.observed_date)::DATE ELSE l.observed_date
        END AS earliest,
        CASE l.observed_precision WHEN 'month' THEN last_day(l.observed_date) ELSE l.observed_date END AS latest
    FROM staging.lake_milestone AS l
    INNER JOIN definitions.milestone_status AS s ON l.status = s.code
    LEFT JOIN staging.identity AS i ON l.delivery = i.delivery
    WHERE i.verdict IS NULL
),

absent AS (
    SELECT n.delivery, n.site, n.subject_key, n.code, n.latest, max(h.earliest) AS held_from
    FROM looks AS n
    INNER JOIN looks AS h
        ON n.site = h.site AND n.subject_key = h.subject_key AND n.code = h.code AND h.latest < n.earliest
    WHERE NOT n.is_attained AND h.is_held
    GROUP BY n.delivery, n.site, n.subject_key, n.code, n.latest
),

unlost AS (
    SELECT n.delivery
    FROM absent AS n
    WHERE NOT EXISTS (
        SELECT 1
        FROM looks AS lost
        WHERE
            lost.site = n.site
            AND lost.subject_key = n.subject_key
            AND lost.code = n.code
            AND lost.is_attained
            AND NOT lost.is_held
            AND lost.latest >= n.held_from
            AND lost.earliest <= n.latest
    )
),

results AS (
    SELECT
        l.delivery, l.site, l.subject_key, l.record_key, l.person, l.loinc, l.unit, l.value, l.collected_date AS day
    FROM staging.lake_lab_result AS l
    LEFT JOIN staging.identity AS i ON l.delivery = i.delivery
    WHERE i.verdict IS NULL AND l.comparator IS NULL AND l.value IS NOT NULL AND l.collected_precision <> 'month'
),

same AS (
    SELECT
        n.site, n.subject_key, n.person, n.day, min(n.record_key) AS record_key, arg_min(n.delivery, n.record_key) AS delivery
    FROM results AS n
    INNER JOIN results AS o
        ON
            n.site = o.site
            AND n.subject_key = o.subject_key
            AND n.person = o.person
            AND n.loinc = o.loinc
            AND n.unit = o.unit
            AND n.day > o.day
    GROUP BY n.site, n.subject_key, n.person, n.day, o.day
    HAVING
        bool_and(n.value = o.value) AND count(DISTINCT n.loinc) >= (SELECT any_value(tests) FROM definitions.repeat_check)
),

repeated AS (
    SELECT arg_min(delivery, record_key) AS delivery
    FROM same
    GROUP BY site, subject_key, person, day
),

asked AS (
    SELECT delivery, 'not_yet_after_achieved' AS rule
    FROM unlost
    UNION
    SELECT delivery, 'same_results_as_before' AS rule
    FROM repeated
)

SELECT
    a.delivery,
    r.id AS rule,
    r.field,
    r.category,
    r.severity,
    r.effect,
    NULL::VARCHAR AS reason
FROM asked AS a
INNER JOIN definitions.history_rule AS r ON a.rule = r.id
