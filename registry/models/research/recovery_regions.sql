-- grain: one row per treated infant and metric of a region in the scan before treatment
-- key: subject_key, metric, region, side, atlas, atlas_version, method
-- A region before and after: the scan of the baseline window that passed quality control, has most metrics and came
-- first, and the earliest usable one of the span after. Its state needs age norms of the same protocol. A change stands
-- beside its caveat: it is not separable from maturation without controls.
WITH scan AS (
    SELECT
        i.subject_key,
        i.scan_key,
        min(i.age_days) - t.treatment_start_age_days AS study_day,
        bool_and(coalesce(i.quality = 'pass', FALSE)) AS is_passed,
        count(*) AS metrics
    FROM core.imaging AS i
    INNER JOIN research.treatment AS t ON i.subject_key = t.subject_key
    WHERE i.is_usable AND i.quality IS DISTINCT FROM 'fail' AND t.treatment_start_age_days IS NOT NULL
    GROUP BY i.subject_key, i.scan_key, t.treatment_start_age_days
),

before AS (
    SELECT s.subject_key, s.scan_key, s.study_day
    FROM scan AS s
    INNER JOIN definitions.baseline_window AS w
        ON w.item = 'imaging' AND w.from_day <= s.study_day AND w.to_day >= s.study_day
    QUALIFY row_number() OVER (
        PARTITION BY s.subject_key ORDER BY s.is_passed DESC, s.metrics DESC, s.study_day, s.scan_key DESC
    ) = 1
),

after AS (
    SELECT s.subject_key, v.visit, s.scan_key, s.study_day
    FROM scan AS s
    INNER JOIN research.recovery_visits AS v
        ON
            s.subject_key = v.subject_key
            AND v.is_imaging
            AND v.from_day <= s.study_day
            AND v.to_day >= s.study_day
    QUALIFY row_number() OVER (
        PARTITION BY s.subject_key, v.visit
        ORDER BY s.study_day, s.is_passed DESC, s.metrics DESC, s.scan_key DESC
    ) = 1
),

fact AS (
    SELECT i.*, u.sex
    FROM core.imaging AS i
    INNER JOIN core.subjects AS u ON i.subject_key = u.subject_key
    WHERE i.is_usable
    QUALIFY row_number() OVER (
        PARTITION BY
            i.subject_key, i.scan_key, i.metric, i.region, i.side, i.atlas, i.atlas_version, i.method
        ORDER BY i.record_key DESC
    ) = 1
),

normed AS (
    -- A norm of one sex says nothing of an infant whose sex is not known.
    SELECT
        f.record_key,
        bool_or(n.id IS NOT NULL AND n.sex IS NOT NULL AND coalesce(f.sex NOT IN ('female', 'male'), TRUE)) AS is_sex_missing,
        max(n.mean) FILTER (WHERE n.sex IS NULL OR n.sex = f.sex) AS mean,
        max(n.sd) FILTER (WHERE n.sex IS NULL OR n.sex = f.sex) AS sd
    FROM fact AS f
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
    GROUP BY f.record_key
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
    FROM fact AS f
    LEFT JOIN normed AS n ON f.record_key = n.record_key
    LEFT JOIN definitions.recovery_metric AS k ON f.metric = k.code
    LEFT JOIN definitions.imaging_rule AS r ON k.rule = r.id
)

SELECT
    b.subject_key,
    x.site,
    a.visit,
    x.metric,
    x.region,
    x.side,
    x.atlas,
    x.atlas_version,
    x.method,
    b.study_day AS baseline_study_day,
    a.study_day AS visit_study_day,
    x.value AS baseline_value,
    y.value AS visit_value,
    y.value - x.value AS change,
    x.z::DECIMAL(18, 6) AS baseline_z,
    y.z::DECIMAL(18, 6) AS visit_z,
    x.is_abnormal AS is_at_risk,
    y.is_within,
    coalesce(x.is_sex_missing, FALSE) AS is_sex_missing,
    y.record_key IS NOT NULL
    AND (
        x.field_strength_t IS DISTINCT FROM y.field_strength_t
        OR x.scanner_model IS DISTINCT FROM y.scanner_model
        OR x.pipeline IS DISTINCT FROM y.pipeline
        OR x.pipeline_version IS DISTINCT FROM y.pipeline_version
    ) AS is_protocol_changed,
    CASE WHEN y.record_key IS NOT NULL THEN c.meaning END AS caveat
FROM before AS b
INNER JOIN judged AS x ON b.subject_key = x.subject_key AND b.scan_key = x.scan_key
LEFT JOIN after AS a ON b.subject_key = a.subject_key
LEFT JOIN judged AS y
    ON
        a.subject_key = y.subject_key
        AND a.scan_key = y.scan_key
        AND x.metric = y.metric
        AND x.region = y.region
        AND x.side = y.side
        AND x.atlas = y.atlas
        AND x.atlas_version = y.atlas_version
        AND x.method = y.method
LEFT JOIN definitions.imaging_caveat AS c ON c.id = 'maturation'
