-- grain: one row per definition and subject
-- key: definition, subject_key
-- Why a subject is of its class, as codes: what each criterion that decided was found to be, and by which records.
SELECT
    c.definition,
    c.definition_version,
    c.subject_key,
    c.site,
    c.class,
    c.reason,
    c.alternative,
    c.criteria,
    c.states,
    c.index_age_days,
    c.anchor_age_days,
    c.class_end_age_days,
    c.is_order_assumed,
    c.record_keys,
    k.meaning AS class_meaning
FROM research.cases AS c
INNER JOIN definitions.case_class AS k ON c.definition = k.definition AND c.class = k.class
