-- grain: one row per thing that did not come and is not too old to ask for
-- key: rule, site, subject_key, about
-- What sites are to be told of as of the cut-off (definitions.absence); what each was told of is not known here. Of the
-- infant's own doses and results, and in one rule of its mother's, once for all her children; nothing of whoever left.
-- A rule is named where what it asks stands; how long it waits does not.
WITH staying AS (
    SELECT u.subject_key, u.site, u.family_key, e.birth_date
    FROM core.subjects AS u
    INNER JOIN staging.current_enrolment AS e ON u.site = e.site AND u.subject_key = e.subject_key
    WHERE u.person = 'infant' AND u.subject_key NOT IN (SELECT c.subject_key FROM research.closings AS c)
),

cases AS (
    SELECT s.subject_key, s.site, s.family_key, s.birth_date, min(c.index_age_days) AS index_age_days
    FROM staying AS s
    INNER JOIN research.cases AS c ON s.subject_key = c.subject_key
    WHERE c.is_case AND c.index_age_days IS NOT NULL
    GROUP BY s.subject_key, s.site, s.family_key, s.birth_date
),

b12 AS (
    SELECT subject_key, max(age_days) AS last_age_days FROM research.b12_doses WHERE person = 'infant'
    GROUP BY subject_key
),

untested AS (
    SELECT
        site,
        arg_min(subject_key, (birth_date + index_age_days, subject_key)) AS subject_key,
        min(birth_date + index_age_days) AS index_date
    FROM cases
    WHERE
        family_key NOT IN (
            SELECT r.family_key
            FROM research.maternal_results AS r
            INNER JOIN definitions.marker AS m ON r.analyte = m.analyte AND m.is_status_marker
        )
        -- What the family does not share is not missing.
        AND subject_key NOT IN (SELECT x.subject_key FROM staging.barred AS x WHERE x.scope = 'mother')
    GROUP BY site, family_key
),

heard AS (
    SELECT d.site, max((d.received_at AT TIME ZONE z.time_zone)::DATE) AS last_date
    FROM staging.deliveries AS d
    INNER JOIN staging.sites AS z ON d.site = z.site
    WHERE d.origin_topic_uuid IS NULL
    GROUP BY d.site
),

missing AS (
    SELECT 'overdue_test' AS rule, site, subject_key, visit AS about, closes_date AS since_date
    FROM staging.follow_up_due
    WHERE is_wanted AND state = 'missed'
    UNION ALL
    SELECT 'untreated_case', c.site, c.subject_key, '', c.birth_date + c.index_age_days
    FROM cases AS c
    INNER JOIN research.treatment AS t ON c.subject_key = t.subject_key
    WHERE t.treatment_start_age_days IS NULL
    UNION ALL
    SELECT 'folic_acid_without_b12', c.site, c.subject_key, '', min(c.birth_date + d.age_days)
    FROM cases AS c
    INNER JOIN core.doses AS d ON c.subject_key = d.subject_key AND d.person = 'infant' AND d.status = 'given'
    INNER JOIN definitions.absence AS a ON a.id = 'folic_acid_without_b12' AND d.compound = a.compound
    INNER JOIN definitions.exposure AS x ON x.id = 'infant_dose'
    LEFT JOIN b12 AS b ON c.subject_key = b.subject_key
    WHERE coalesce(b.last_age_days < d.age_days - x.days_before, TRUE)
    GROUP BY c.site, c.subject_key
    UNION ALL
    SELECT 'untested_mother', site, subject_key, '', index_date FROM untested
    UNION ALL
    SELECT 'silent_site', site, NULL, '', last_date FROM heard
)

SELECT
    m.rule,
    a.version AS rule_version,
    m.site,
    m.subject_key,
    m.about,
    a.person,
    a.kind,
    a.severity,
    a.advice,
    m.since_date + a.after_days AS due_date,
    (b.cut_off - m.since_date)::INTEGER - a.after_days AS overdue_days,
    a.escalate_after_days
FROM missing AS m
INNER JOIN definitions.absence AS a ON m.rule = a.id
CROSS JOIN staging.build AS b
WHERE
    b.cut_off >= m.since_date + a.after_days
    AND b.cut_off <= m.since_date + a.after_days + a.within_days
