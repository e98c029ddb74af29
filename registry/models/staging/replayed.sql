-- grain: one row per delivery that was judged again
-- key: delivery
-- A delivery and its replays, all of which name it, are one event. One of them stands for it: an accepted one before a
-- refused one, so that no repeated replay takes back what an earlier one brought in, then the newest.
WITH named AS (
    SELECT DISTINCT origin_topic_uuid AS topic_uuid, origin_partition AS "partition", origin_offset AS "offset"
    FROM staging.deliveries
    WHERE origin_topic_uuid IS NOT NULL
),

members AS (
    SELECT d.delivery, d.topic_uuid, d."partition", d."offset", d.rule, d.received_at
    FROM staging.deliveries AS d
    SEMI JOIN named USING (topic_uuid, "partition", "offset")
    WHERE d.origin_topic_uuid IS NULL
    UNION ALL
    SELECT delivery, origin_topic_uuid, origin_partition, origin_offset, rule, received_at
    FROM staging.deliveries
    WHERE origin_topic_uuid IS NOT NULL
)

SELECT delivery
FROM members
QUALIFY
    row_number() OVER (
        PARTITION BY topic_uuid, "partition", "offset" ORDER BY coalesce(rule <> 'erased', FALSE), received_at DESC, delivery DESC
    ) > 1
