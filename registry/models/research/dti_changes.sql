-- grain: one row per metric of one region, side and method in the scans before and after
-- key: subject_key, atlas, atlas_version, region, side, method, metric, is_derived
-- Like is compared with like: the same atlas and version, region, side, method and metric. A mean of both sides is
-- derived only where both exist in both scans. Another scanner, field strength or software keeps the pair and takes it
-- out of the primary contrast; so does a tensor that does not fit itself, and what was not stated.
WITH paired AS (
    SELECT
        coalesce(b.subject_key, a.subject_key) AS subject_key,
        coalesce(b.site, a.site) AS site,
        coalesce(b.atlas, a.atlas) AS atlas,
        coalesce(b.atlas_version, a.atlas_version) AS atlas_version,
        coalesce(b.region, a.region) AS region,
        coalesce(b.side, a.side) AS side,
        coalesce(b.method, a.method) AS method,
        coalesce(b.metric, a.metric) AS metric,
        coalesce(b.unit, a.unit) AS unit,
        b.scan_key AS before_scan_key,
        a.scan_key AS after_scan_key,
        b.study_day AS before_study_day,
        a.study_day AS after_study_day,
        b.age_days AS before_age_days,
        a.age_days AS after_age_days,
        b.value AS before_value,
        a.value AS after_value,
        coalesce(b.scanner_model <> a.scanner_model, FALSE) AS is_scanner_changed,
        coalesce(b.field_strength_t <> a.field_strength_t, FALSE) AS is_field_strength_changed,
        coalesce(b.pipeline <> a.pipeline, FALSE)
        OR coalesce(b.pipeline_version <> a.pipeline_version, FALSE) AS is_pipeline_changed,
        b.scanner_model IS NULL
        OR a.scanner_model IS NULL
        OR b.field_strength_t IS NULL
        OR a.field_strength_t IS NULL
        OR b.pipeline IS NULL
        OR a.pipeline IS NULL
        OR b.pipeline_version IS NULL
        OR a.pipeline_version IS NULL AS is_protocol_unknown,
        coalesce(b.is_tensor_apart, FALSE) OR coalesce(a.is_tensor_apart, FALSE) AS is_tensor_apart,
        coalesce(b.is_fa_doubtful, FALSE) OR coalesce(a.is_fa_doubtful, FALSE) AS is_fa_doubtful
    FROM (FROM research.dti_values WHERE visit = 'before') AS b
    FULL JOIN (FROM research.dti_values WHERE visit = 'after') AS a
        ON
            b.subject_key = a.subject_key
            AND b.atlas = a.atlas
            AND b.atlas_version = a.atlas_version
            AND b.region = a.region
            AND b.side = a.side
            AND b.method = a.method
            AND b.metric = a.metric
),

both_sides AS (
    SELECT
        subject_key,
        site,
        atlas,
        atlas_version,
        region,
        'bilateral_mean' AS side,
        method,
        metric,
        unit,
        before_scan_key,
        after_scan_key,
        before_study_day,
        after_study_day,
        before_age_days,
        after_age_days,
        avg(before_value)::DECIMAL(28, 12) AS before_value,
        avg(after_value)::DECIMAL(28, 12) AS after_value,
        bool_or(is_scanner_changed) AS is_scanner_changed,
        bool_or(is_field_strength_changed) AS is_field_strength_changed,
        bool_or(is_pipeline_changed) AS is_pipeline_changed,
        bool_or(is_protocol_unknown) AS is_protocol_unknown,
        bool_or(is_tensor_apart) AS is_tensor_apart,
        bool_or(is_fa_doubtful) AS is_fa_doubtful
    FROM paired
    WHERE side IN ('left', 'right') AND before_value IS NOT NULL AND after_value IS NOT NULL
    GROUP BY ALL
    HAVING count(DISTINCT side) > 1
),

every AS (
    SELECT *, FALSE AS is_derived
    FROM paired
    UNION ALL BY NAME
    SELECT *, TRUE AS is_derived
    FROM both_sides
)

SELECT
    e.subject_key,
    e.site,
    e.atlas,
    e.atlas_version,
    e.region,
    e.side,
    e.method,
    e.metric,
    e.is_derived,
    e.before_scan_key,
    e.after_scan_key,
    e.before_study_day,
    e.after_study_day,
    e.before_age_days,
    e.after_age_days,
    e.before_value,
    e.after_value,
    e.after_value - e.before_value AS change,
    e.unit,
    CASE
        WHEN e.before_scan_key IS NULL THEN 'no_baseline'
        WHEN e.after_scan_key IS NULL THEN 'no_follow_up'
        WHEN change IS NULL THEN 'several_values'
    END AS reason,
    e.is_scanner_changed,
    e.is_field_strength_changed,
    e.is_pipeline_changed,
    e.is_protocol_unknown,
    e.is_tensor_apart,
    e.is_fa_doubtful,
    change IS NOT NULL
    AND NOT e.is_scanner_changed
    AND NOT e.is_field_strength_changed
    AND NOT e.is_pipeline_changed
    AND NOT e.is_protocol_unknown
    AND NOT e.is_tensor_apart AS is_in_primary_contrast,
    c.meaning AS caveat
FROM every AS e
INNER JOIN definitions.imaging_caveat AS c ON c.id = 'maturation'
