-- grain: one row per accepted delivery whose id, record or enrolled subject occurs more than once, and per retraction
-- key: delivery
-- Few deliveries are: found by grouping, so that only they are compared. A retraction is a version of the record that
-- it addresses, so it stands here under that record's kind and key.
WITH accepted AS (
    SELECT * FROM staging.deliveries ANTI JOIN staging.replayed USING (delivery) WHERE rule IS NULL
),

ids AS (
    SELECT site, id_key FROM accepted GROUP BY site, id_key HAVING count(*) > 1
),

records AS (
    SELECT site, kind, record_key
    FROM accepted
    WHERE kind <> 'retraction'
    GROUP BY site, kind, record_key
    HAVING count(*) > 1
    UNION
    SELECT site, target_kind, target_record_key FROM staging.lake_retraction
),

subjects AS (
    SELECT site, subject_key FROM accepted WHERE kind = 'enrolment' GROUP BY site, subject_key HAVING count(*) > 1
),

chosen AS (
    SELECT delivery FROM accepted SEMI JOIN ids USING (site, id_key)
    UNION
    SELECT delivery FROM accepted SEMI JOIN records USING (site, kind, record_key) WHERE kind <> 'retraction'
    UNION
    SELECT delivery FROM accepted SEMI JOIN subjects USING (site, subject_key) WHERE kind = 'enrolment'
    UNION
    SELECT delivery FROM staging.lake_retraction
)

SELECT
    d.delivery,
    d.site,
    d.kind,
    d.subject_key,
    d.id_key,
    d.content_key,
    coalesce(r.target_kind, d.kind) AS about_kind,
    coalesce(r.target_record_key, d.record_key) AS about_record_key,
    d.event_time,
    d.received_at
FROM accepted AS d
SEMI JOIN chosen USING (delivery)
LEFT JOIN staging.lake_retraction AS r ON r.delivery = d.delivery
