-- grain: one row per region, side and method of a scan
-- key: subject_key, scan_key, atlas, atlas_version, region, side, method
-- Whether the metrics of one place fit each other: MD = (AD + 2 RD) / 3 within the tolerance, and AD >= MD >= RD. FA
-- is only held softly against AD and RD: a doubt is told and takes nothing away.
WITH place AS (
    SELECT
        subject_key,
        site,
        scan_key,
        atlas,
        atlas_version,
        region,
        side,
        method,
        CASE WHEN count(DISTINCT value) FILTER (WHERE metric = 'fa') = 1 THEN min(value) FILTER (WHERE metric = 'fa') END AS fa,
        CASE WHEN count(DISTINCT value) FILTER (WHERE metric = 'md') = 1 THEN min(value) FILTER (WHERE metric = 'md') END AS md,
        CASE WHEN count(DISTINCT value) FILTER (WHERE metric = 'ad') = 1 THEN min(value) FILTER (WHERE metric = 'ad') END AS ad,
        CASE WHEN count(DISTINCT value) FILTER (WHERE metric = 'rd') = 1 THEN min(value) FILTER (WHERE metric = 'rd') END AS rd
    FROM core.imaging
    WHERE is_usable
    GROUP BY subject_key, site, scan_key, atlas, atlas_version, region, side, method
)

SELECT
    p.subject_key,
    p.site,
    p.scan_key,
    p.atlas,
    p.atlas_version,
    p.region,
    p.side,
    p.method,
    p.fa,
    p.md,
    p.ad,
    p.rd,
    TRY_CAST((p.ad::DOUBLE + r.radial_directions * p.rd::DOUBLE) / (1 + r.radial_directions) AS DECIMAL(28, 12)) AS md_of_ad_and_rd,
    TRY_CAST(
        (p.ad::DOUBLE - p.rd::DOUBLE)
        / sqrt(nullif(p.ad::DOUBLE * p.ad::DOUBLE + r.radial_directions * p.rd::DOUBLE * p.rd::DOUBLE, 0))
        AS DECIMAL(28, 12)
    ) AS fa_of_ad_and_rd,
    coalesce(abs(p.md - md_of_ad_and_rd) > r.md_tolerance::DOUBLE * p.md::DOUBLE, FALSE) AS is_md_apart,
    coalesce(p.ad < p.rd, FALSE) OR coalesce(p.ad < p.md, FALSE) OR coalesce(p.md < p.rd, FALSE) AS is_out_of_order,
    coalesce(abs(p.fa - fa_of_ad_and_rd) > r.fa_tolerance, FALSE) AS is_fa_doubtful
FROM place AS p
CROSS JOIN definitions.tensor_rule AS r
