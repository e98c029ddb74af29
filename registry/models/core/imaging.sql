-- grain: one row per diffusion metric of one region and side in one scan
-- key: record_key
-- Diffusivities in mm2/s, fractional anisotropy as it is; null where the exact product has no room.
WITH factors AS (
    SELECT ucum, factor::DECIMAL(18, 10) AS factor, 'mm2/s' AS unit FROM definitions.diffusivity_unit
    UNION ALL
    SELECT '1', 1::DECIMAL(18, 10), '1'
),

unconfirmed AS (
    SELECT delivery, min(reason) AS reason
    FROM staging.findings
    WHERE kind = 'imaging' AND effect = 'unusable' AND NOT is_confirmed
    GROUP BY delivery
)

SELECT
    e.subject_key,
    e.site,
    e.record_key,
    e.scan_key,
    e.metric,
    e.region,
    e.side,
    e.atlas,
    e.atlas_version,
    e.method,
    TRY((e.value * f.factor)::DECIMAL(28, 12)) AS value,
    f.unit,
    e.value AS value_reported,
    e.unit AS unit_reported,
    TRY((e.sd * f.factor)::DECIMAL(28, 12)) AS sd,
    e.roi_voxels,
    e.b_values,
    e.directions,
    e.voxel_mm,
    e.field_strength_t,
    e.scanner_model,
    e.pipeline,
    e.pipeline_version,
    e.sedation,
    e.quality,
    (e.scanned_date - s.birth_date)::INTEGER AS age_days,
    date_sub('month', s.birth_date, e.scanned_date)::INTEGER AS age_months,
    (extract('hour' FROM e.scanned_at AT TIME ZONE z.time_zone) * 60
    + extract('minute' FROM e.scanned_at AT TIME ZONE z.time_zone))::INTEGER AS minute_of_day,
    e.scanned_precision,
    u.reason IS NULL AS is_usable,
    u.reason AS unusable_reason
FROM staging.current_imaging AS e
INNER JOIN staging.current_enrolment AS s ON e.site = s.site AND e.subject_key = s.subject_key
INNER JOIN staging.sites AS z ON e.site = z.site
INNER JOIN factors AS f ON e.unit = f.ucum
LEFT JOIN unconfirmed AS u ON e.delivery = u.delivery
