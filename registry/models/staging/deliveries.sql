-- grain: one row per delivery that the build reads, refused ones too
-- key: delivery
-- What identity, consent and accounting need of a delivery; its data stays in the lake until a row is current.
SELECT delivery, site, topic_uuid, partition, "offset", 'enrolment' AS kind, person, id_key, subject_key, record_key, content_key,
    event_time, received_at, contract, origin_topic_uuid, origin_partition, origin_offset, NULL AS rule
FROM staging.lake_enrolment
UNION ALL
SELECT delivery, site, topic_uuid, partition, "offset", 'lab_result' AS kind, person, id_key, subject_key, record_key, content_key,
    event_time, received_at, contract, origin_topic_uuid, origin_partition, origin_offset, NULL AS rule
FROM staging.lake_lab_result
UNION ALL
SELECT delivery, site, topic_uuid, partition, "offset", 'milestone' AS kind, NULL AS person, id_key, subject_key, record_key, content_key,
    event_time, received_at, contract, origin_topic_uuid, origin_partition, origin_offset, NULL AS rule
FROM staging.lake_milestone
UNION ALL
SELECT delivery, site, topic_uuid, partition, "offset", 'assessment' AS kind, NULL AS person, id_key, subject_key, record_key, content_key,
    event_time, received_at, contract, origin_topic_uuid, origin_partition, origin_offset, NULL AS rule
FROM staging.lake_assessment
UNION ALL
SELECT delivery, site, topic_uuid, partition, "offset", 'dose' AS kind, person, id_key, subject_key, record_key, content_key,
    event_time, received_at, contract, origin_topic_uuid, origin_partition, origin_offset, NULL AS rule
FROM staging.lake_dose
UNION ALL
SELECT delivery, site, topic_uuid, partition, "offset", 'feeding' AS kind, NULL AS person, id_key, subject_key, record_key, content_key,
    event_time, received_at, contract, origin_topic_uuid, origin_partition, origin_offset, NULL AS rule
FROM staging.lake_feeding
UNION ALL
SELECT delivery, site, topic_uuid, partition, "offset", 'symptom' AS kind, NULL AS person, id_key, subject_key, record_key, content_key,
    event_time, received_at, contract, origin_topic_uuid, origin_partition, origin_offset, NULL AS rule
FROM staging.lake_symptom
UNION ALL
SELECT delivery, site, topic_uuid, partition, "offset", 'condition' AS kind, person, id_key, subject_key, record_key, content_key,
    event_time, received_at, contract, origin_topic_uuid, origin_partition, origin_offset, NULL AS rule
FROM staging.lake_condition
UNION ALL
SELECT delivery, site, topic_uuid, partition, "offset", 'growth' AS kind, NULL AS person, id_key, subject_key, record_key, content_key,
    event_time, received_at, contract, origin_topic_uuid, origin_partition, origin_offset, NULL AS rule
FROM staging.lake_growth
UNION ALL
SELECT delivery, site, topic_uuid, partition, "offset", 'imaging' AS kind, NULL AS person, id_key, subject_key, record_key, content_key,
    event_time, received_at, contract, origin_topic_uuid, origin_partition, origin_offset, NULL AS rule
FROM staging.lake_imaging
UNION ALL
SELECT delivery, site, topic_uuid, partition, "offset", 'status' AS kind, NULL AS person, id_key, subject_key, record_key, content_key,
    event_time, received_at, contract, origin_topic_uuid, origin_partition, origin_offset, NULL AS rule
FROM staging.lake_status
UNION ALL
SELECT delivery, site, topic_uuid, partition, "offset", 'consent' AS kind, NULL AS person, id_key, subject_key, record_key, content_key,
    event_time, received_at, contract, origin_topic_uuid, origin_partition, origin_offset, NULL AS rule
FROM staging.lake_consent
UNION ALL
SELECT delivery, site, topic_uuid, partition, "offset", 'confirmation' AS kind, NULL AS person, id_key, subject_key, record_key, content_key,
    event_time, received_at, contract, origin_topic_uuid, origin_partition, origin_offset, NULL AS rule
FROM staging.lake_confirmation
UNION ALL
SELECT delivery, site, topic_uuid, partition, "offset", 'acknowledgement' AS kind, NULL AS person, id_key, subject_key, record_key, content_key,
    event_time, received_at, contract, origin_topic_uuid, origin_partition, origin_offset, NULL AS rule
FROM staging.lake_acknowledgement
UNION ALL
SELECT delivery, site, topic_uuid, partition, "offset", 'retraction' AS kind, NULL AS person, id_key, subject_key, record_key, content_key,
    event_time, received_at, contract, origin_topic_uuid, origin_partition, origin_offset, NULL AS rule
FROM staging.lake_retraction
UNION ALL
SELECT delivery, site, topic_uuid, partition, "offset", coalesce(reported_kind, 'unknown') AS kind, NULL AS person,
    id_key, subject_key, record_key, content_key, event_time, received_at, contract, origin_topic_uuid, origin_partition, origin_offset, rule
FROM staging.lake_refused
UNION ALL
SELECT delivery, site, topic_uuid, partition, "offset", 'erased' AS kind, NULL AS person, id_key, subject_key, record_key, content_key,
    event_time, received_at, contract, origin_topic_uuid, origin_partition, origin_offset, 'erased' AS rule
FROM staging.lake_erased
