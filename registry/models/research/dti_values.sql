-- grain: one row per metric of one region, side and method in a chosen scan
-- key: subject_key, scan_key, atlas, atlas_version, region, side, method, metric
-- What the scans before and after (research.dti_scans) say of each place, with the protocol that a comparison asks for.
-- Where the events of a scan differ in a value, it has none.
SELECT
    e.subject_key,
    e.site,
    s.visit,
    e.atlas,
    e.atlas_version,
    e.region,
    e.side,
    e.method,
    e.metric,
    e.unit,
    s.scan_key,
    s.study_day,
    s.age_days,
    CASE WHEN count(DISTINCT e.value) = 1 THEN min(e.value) END AS value,
    s.scanner_model,
    s.field_strength_t,
    CASE WHEN count(DISTINCT e.pipeline) = 1 THEN min(e.pipeline) END AS pipeline,
    CASE WHEN count(DISTINCT e.pipeline_version) = 1 THEN min(e.pipeline_version) END AS pipeline_version,
    bool_or(e.metric <> 'fa' AND (t.is_md_apart OR t.is_out_of_order)) AS is_tensor_apart,
    bool_or(e.metric = 'fa' AND t.is_fa_doubtful) AS is_fa_doubtful
FROM core.imaging AS e
INNER JOIN research.dti_scans AS s ON e.subject_key = s.subject_key AND e.scan_key = s.scan_key AND s.is_chosen
INNER JOIN research.dti_tensors AS t
    ON
        e.subject_key = t.subject_key
        AND e.scan_key = t.scan_key
        AND e.atlas = t.atlas
        AND e.atlas_version = t.atlas_version
        AND e.region = t.region
        AND e.side = t.side
        AND e.method = t.method
WHERE e.is_usable AND e.value IS NOT NULL
GROUP BY ALL
