-- grain: one row per treated infant, follow-up visit and sign or milestone that is to recover
-- key: subject_key, visit, item, code
-- A sign counts when it was seen in the baseline window and not reported gone up to the first dose, a milestone when it
-- was lost then. A tremor that began under treatment does not put the infant at risk, and must have gone too.
-- At a visit the look nearest to its target day tells, of two equally near the earlier. Without one in the window what
-- had gone stays gone, and what had not is not known.
WITH setting AS (
    SELECT
        w.from_day,
        w.to_day,
        max(p.value) FILTER (WHERE p.id = 'post_dose_to_day')::INTEGER AS post_dose_to_day
    FROM definitions.baseline_window AS w
    CROSS JOIN definitions.parameter AS p
    WHERE w.item = 'signs'
    GROUP BY w.from_day, w.to_day
),

named AS (
    SELECT
        d.subject_key,
        d.item,
        d.code,
        d.study_day,
        CASE
            WHEN
                r.code IS NOT NULL
                AND coalesce(d.onset_study_day > 0, d.study_day > p.to_day)
                THEN 'under_treatment'
            WHEN d.study_day >= p.from_day AND d.study_day <= p.to_day AND coalesce(d.gone_study_day > 0, TRUE)
                THEN 'baseline'
            WHEN d.study_day > p.to_day AND d.study_day <= p.post_dose_to_day THEN 'post_dose'
        END AS basis
    FROM research.clinical_looks AS d
    CROSS JOIN setting AS p
    LEFT JOIN definitions.recovery_treatment_sign AS r ON d.item = 'sign' AND d.code = r.code
    WHERE d.is_to_recover
),

part AS (
    -- What was there before treatment stays so, also where it comes again.
    SELECT
        subject_key,
        item,
        code,
        arg_min(basis, (basis <> 'baseline', study_day)) AS basis,
        min(study_day) AS first_study_day
    FROM named
    WHERE basis IS NOT NULL
    GROUP BY subject_key, item, code
),

at_visit AS (
    SELECT
        p.subject_key,
        v.visit,
        p.item,
        p.code,
        arg_min(d.is_abnormal, (abs(d.study_day - v.target_day), d.study_day)) AS is_abnormal,
        arg_min(d.study_day, (abs(d.study_day - v.target_day), d.study_day)) AS study_day
    FROM part AS p
    INNER JOIN research.recovery_visits AS v ON p.subject_key = v.subject_key
    INNER JOIN research.clinical_looks AS d
        ON
            p.subject_key = d.subject_key
            AND p.item = d.item
            AND p.code = d.code
            AND v.from_day <= d.study_day
            AND v.to_day >= d.study_day
    GROUP BY p.subject_key, v.visit, p.item, p.code
),

before_visit AS (
    SELECT
        p.subject_key,
        v.visit,
        p.item,
        p.code,
        arg_max(d.is_abnormal, d.study_day) AS is_abnormal,
        max(d.study_day) AS study_day
    FROM part AS p
    INNER JOIN research.recovery_visits AS v ON p.subject_key = v.subject_key
    INNER JOIN research.clinical_looks AS d
        ON p.subject_key = d.subject_key AND p.item = d.item AND p.code = d.code AND v.from_day > d.study_day
    GROUP BY p.subject_key, v.visit, p.item, p.code
)

SELECT
    p.subject_key,
    v.site,
    v.visit,
    p.item,
    p.code,
    p.basis,
    p.first_study_day,
    CASE WHEN a.subject_key IS NOT NULL THEN NOT a.is_abnormal WHEN NOT b.is_abnormal THEN TRUE END AS is_gone,
    coalesce(a.study_day, CASE WHEN NOT b.is_abnormal THEN b.study_day END) AS looked_study_day,
    a.subject_key IS NOT NULL AS is_looked_at_visit
FROM part AS p
INNER JOIN research.recovery_visits AS v ON p.subject_key = v.subject_key
LEFT JOIN at_visit AS a
    ON p.subject_key = a.subject_key AND v.visit = a.visit AND p.item = a.item AND p.code = a.code
LEFT JOIN before_visit AS b
    ON p.subject_key = b.subject_key AND v.visit = b.visit AND p.item = b.item AND p.code = b.code
WHERE NOT v.is_imaging AND (p.basis <> 'under_treatment' OR v.to_day >= p.first_study_day)
