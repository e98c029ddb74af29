-- grain: one row per subject and scan of diffusion imaging
-- key: subject_key, scan_key
-- What all events of a scan say alike, and whether they do; an event that leaves a fact out says nothing of it. One
-- usable scan stands for the baseline: the best quality, then the most metrics, then the earliest, then the greater key.
-- The one after is the earliest in definitions.imaging_window, and of one day chosen likewise.
WITH scan AS (
    SELECT
        subject_key,
        scan_key,
        site,
        min(age_days) AS age_days,
        min(minute_of_day) AS minute_of_day,
        count(DISTINCT age_days) AS days,
        count(*) FILTER (WHERE is_usable AND value IS NOT NULL)::INTEGER AS metrics,
        CASE WHEN count(DISTINCT quality) <= 1 THEN coalesce(min(quality), 'unstated') END AS quality,
        min(scanner_model) AS scanner_model,
        min(field_strength_t) AS field_strength_t,
        list_filter(
            [
                CASE WHEN count(DISTINCT age_days) > 1 THEN 'day' END,
                CASE WHEN count(DISTINCT quality) > 1 THEN 'quality' END,
                CASE WHEN count(DISTINCT scanner_model) > 1 THEN 'scanner_model' END,
                CASE WHEN count(DISTINCT field_strength_t) > 1 THEN 'field_strength_t' END,
                CASE WHEN count(DISTINCT directions) > 1 THEN 'directions' END,
                CASE WHEN count(DISTINCT voxel_mm) > 1 THEN 'voxel_mm' END,
                CASE WHEN count(DISTINCT nullif(b_values, [])) > 1 THEN 'b_values' END,
                CASE WHEN count(DISTINCT sedation) > 1 THEN 'sedation' END
            ],
            lambda fact: fact IS NOT NULL
        ) AS own_disagreements
    FROM core.imaging
    GROUP BY subject_key, scan_key, site
),

judged AS (
    SELECT
        s.*,
        CASE
            WHEN count(*) OVER (PARTITION BY s.scan_key) > 1 THEN list_append(s.own_disagreements, 'subject')
            ELSE s.own_disagreements
        END AS disagreements,
        len(disagreements) = 0 AND s.metrics > 0 AND coalesce(q.is_usable, FALSE) AS is_usable,
        q.rank,
        s.age_days - t.treatment_start_age_days AS study_day,
        CASE
            WHEN study_day >= b.from_day AND study_day <= b.to_day THEN 'before'
            WHEN study_day >= w.from_day AND study_day <= w.to_day THEN 'after'
            WHEN study_day IS NOT NULL THEN 'unscheduled'
        END AS visit
    FROM scan AS s
    INNER JOIN core.subjects AS u ON s.subject_key = u.subject_key
    INNER JOIN definitions.baseline_window AS b ON b.item = 'imaging'
    INNER JOIN definitions.imaging_window AS w ON w.id = 'after'
    LEFT JOIN research.treatment AS t ON s.subject_key = t.subject_key AND u.person = 'infant'
    LEFT JOIN definitions.scan_quality AS q ON s.quality = q.code
),

chosen AS (
    SELECT
        subject_key,
        scan_key,
        row_number() OVER (
            PARTITION BY subject_key, visit
            ORDER BY
                CASE visit WHEN 'after' THEN study_day ELSE 0 END,
                rank,
                metrics DESC,
                study_day,
                minute_of_day,
                scan_key DESC
        ) AS place
    FROM judged
    WHERE is_usable AND visit IN ('before', 'after')
)

SELECT
    j.subject_key,
    j.site,
    j.scan_key,
    j.age_days,
    j.study_day,
    j.visit,
    c.scan_key IS NOT NULL AS is_chosen,
    j.metrics,
    j.quality,
    j.scanner_model,
    j.field_strength_t,
    j.disagreements,
    j.is_usable
FROM judged AS j
LEFT JOIN chosen AS c ON j.subject_key = c.subject_key AND j.scan_key = c.scan_key AND c.place = 1
