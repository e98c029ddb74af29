-- grain: one row per contested delivery, and per delivery that was judged again
-- key: delivery
-- Which of several deliveries is the current version of a record. Order of arrival decides nothing: all is by content,
-- `time` and id. verdict is null for the current version.
--   statement: the deliveries of one site with equal id and content; its time is the latest of theirs (a re-assertion).
--   sound: a retraction whose id says nothing else. Only sound ones take anything back.
--   covered: a statement that is older than a sound retraction of its record.
--   conflict: an id under which more than one statement is not covered; nothing of it is included.
WITH delivered AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY site, id_key, content_key ORDER BY event_time DESC, received_at, delivery
        ) AS delivery_rank
    FROM staging.contested
),

contents AS (
    SELECT site, id_key, count(DISTINCT content_key) AS contents
    FROM staging.contested
    GROUP BY site, id_key
),

statements AS (
    SELECT d.*, c.contents, {'time': d.event_time, 'id': d.id_key} AS version
    FROM delivered AS d
    INNER JOIN contents AS c ON d.site = c.site AND d.id_key = c.id_key
    WHERE d.delivery_rank = 1
),

retractions AS (
    SELECT site, about_kind, about_record_key, max(version) AS version
    FROM statements
    WHERE kind = 'retraction' AND contents = 1
    GROUP BY site, about_kind, about_record_key
),

judged AS (
    SELECT
        s.*,
        s.kind <> 'retraction' AND coalesce(s.version < r.version, FALSE) AS is_covered
    FROM statements AS s
    LEFT JOIN retractions AS r
        ON s.site = r.site AND s.about_kind = r.about_kind AND s.about_record_key = r.about_record_key
),

open_ids AS (
    SELECT site, id_key, count(*) AS statements
    FROM judged
    WHERE NOT is_covered
    GROUP BY site, id_key
),

settled AS (
    SELECT
        j.*,
        NOT j.is_covered
        AND j.contents > 1
        AND (o.statements > 1 OR j.kind = 'retraction') AS is_conflict
    FROM judged AS j
    LEFT JOIN open_ids AS o ON j.site = o.site AND j.id_key = o.id_key
),

versions AS (
    SELECT
        *,
        max(CASE WHEN NOT is_conflict AND NOT is_covered THEN version END) OVER (
            PARTITION BY site, about_kind, about_record_key
        ) AS current_version,
        count(*) FILTER (WHERE kind <> 'retraction') OVER (
            PARTITION BY site, about_kind, about_record_key
        ) AS targets
    FROM settled
),

records AS (
    SELECT
        *,
        CASE
            WHEN is_covered THEN 'retracted'
            WHEN is_conflict THEN 'conflict'
            WHEN kind = 'retraction' AND targets = 0 THEN 'held'
            WHEN version < current_version THEN 'superseded'
        END AS verdict
    FROM versions
),

enrolments AS (
    SELECT
        *,
        max(CASE WHEN kind = 'enrolment' AND verdict IS NULL THEN version END) OVER (
            PARTITION BY site, subject_key
        ) AS enrolment_version
    FROM records
)

SELECT
    d.delivery,
    CASE
        WHEN d.delivery_rank > 1 THEN 'duplicate'
        WHEN e.verdict IS NOT NULL THEN e.verdict
        WHEN e.kind = 'enrolment' AND e.version < e.enrolment_version THEN 'superseded'
    END AS verdict,
    CASE
        WHEN d.delivery_rank > 1 THEN 'same_statement'
        WHEN e.verdict = 'retracted' THEN 'taken_back'
        WHEN e.verdict = 'conflict' THEN 'id_used_twice'
        WHEN e.verdict = 'held' THEN 'no_target'
        WHEN e.verdict = 'superseded' THEN 'newer_version'
        WHEN e.kind = 'enrolment' AND e.version < e.enrolment_version THEN 'newer_enrolment'
    END AS reason
FROM delivered AS d
INNER JOIN enrolments AS e ON d.site = e.site AND d.id_key = e.id_key AND d.content_key = e.content_key
UNION ALL
SELECT delivery, 'replayed' AS verdict, 'judged_again' AS reason
FROM staging.replayed
