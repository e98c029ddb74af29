-- grain: one row per treated infant and metric of a region in the scan before treatment
-- key: subject_key, metric, region, side, atlas, atlas_version, method
-- A region before and after, as in research.dti_changes, against age norms of the same protocol where there are any. A
-- change stands beside its caveat: it is not separable from maturation without controls.
WITH normed AS (
    -- A norm of one sex says nothing of an infant whose sex is not known.
    SELECT
        f.subject_key,
        f.scan_key,
        f.metric,
        f.region,
        f.side,
        f.atlas,
        f.atlas_version,
        f.method,
        bool_or(n.sex IS NOT NULL AND coalesce(u.sex NOT IN ('female', 'male'), TRUE)) AS is_sex_missing,
        max(n.mean) FILTER (WHERE n.sex IS NULL OR n.sex = u.sex) AS mean,
        max(n.sd) FILTER (WHERE n.sex IS NULL OR n.sex = u.sex) AS sd
    FROM research.dti_values AS f
    INNER JOIN core.subjects AS u ON f.subject_key = u.subject_key
    INNER JOIN definitions.imaging_norm AS n
        ON
            f.metric = n.metric
            AND f.region = n.region
            AND f.side = n.side
            AND f.atlas = n.atlas
            AND f.atlas_version = n.atlas_version
            AND f.method = n.method
            AND f.field_strength_t IS NOT DISTINCT FROM n.field_strength_t
            AND f.scanner_model IS NOT DISTINCT FROM n.scanner_model
            AND f.pipeline IS NOT DISTINCT FROM n.pipeline
            AND f.pipeline_version IS NOT DISTINCT FROM n.pipeline_version
            AND n.from_age_days <= f.age_days
            AND n.to_age_days >= f.age_days
    GROUP BY ALL
),

judged AS (
    -- In standard deviations from the norm, without dividing: exact. Within the norm is within it on both sides.
    SELECT
        f.*,
        n.is_sex_missing,
        CASE
            WHEN n.sd IS NULL OR k.code IS NULL THEN NULL
            WHEN k.is_abnormal_below THEN f.value - n.mean < r.value * n.sd
            ELSE f.value - n.mean > r.value * n.sd
        END AS is_abnormal,
        CASE WHEN n.sd IS NOT NULL AND k.code IS NOT NULL THEN abs(f.value - n.mean) <= abs(r.value) * n.sd END
            AS is_within,
        (f.value - n.mean) / n.sd AS z
    FROM research.dti_values AS f
    LEFT JOIN normed AS n USING (subject_key, scan_key, metric, region, side, atlas, atlas_version, method)
    LEFT JOIN definitions.recovery_metric AS k ON f.metric = k.code
    LEFT JOIN definitions.imaging_rule AS r ON k.rule = r.id
)

SELECT
    c.subject_key,
    c.site,
    a.visit,
    c.metric,
    c.region,
    c.side,
    c.atlas,
    c.atlas_version,
    c.method,
    c.before_study_day AS baseline_study_day,
    a.study_day AS visit_study_day,
    c.before_value AS baseline_value,
    c.after_value AS visit_value,
    c.change,
    x.z::DECIMAL(18, 6) AS baseline_z,
    y.z::DECIMAL(18, 6) AS visit_z,
    x.is_abnormal AS is_at_risk,
    y.is_within,
    coalesce(x.is_sex_missing, FALSE) AS is_sex_missing,
    c.is_scanner_changed OR c.is_field_strength_changed OR c.is_pipeline_changed AS is_protocol_changed,
    CASE WHEN c.after_scan_key IS NOT NULL THEN c.caveat END AS caveat
FROM research.dti_changes AS c
INNER JOIN judged AS x
    ON
        c.subject_key = x.subject_key
        AND c.before_scan_key = x.scan_key
        AND c.metric = x.metric
        AND c.region = x.region
        AND c.side = x.side
        AND c.atlas = x.atlas
        AND c.atlas_version = x.atlas_version
        AND c.method = x.method
LEFT JOIN judged AS y
    ON
        c.subject_key = y.subject_key
        AND c.after_scan_key = y.scan_key
        AND c.metric = y.metric
        AND c.region = y.region
        AND c.side = y.side
        AND c.atlas = y.atlas
        AND c.atlas_version = y.atlas_version
        AND c.method = y.method
LEFT JOIN research.dti_scans AS a ON c.subject_key = a.subject_key AND a.is_chosen AND a.visit = 'after'
WHERE NOT c.is_derived
