-- grain: one row per delivery
-- key: delivery
-- What became of every delivery. One that was judged again is `replayed`, whatever was said of it. Identity is decided first; of the current versions, consent decides before the row
-- rules do, so that nothing is examined that may not be used; enrolment comes last.
WITH quarantined AS (
    SELECT delivery, min(rule) AS rule
    FROM staging.findings
    WHERE effect = 'quarantine' AND NOT is_confirmed
    GROUP BY delivery
),

enrolled AS (
    SELECT b.site, b.subject_key
    FROM staging.births AS b
    LEFT JOIN quarantined AS q ON b.delivery = q.delivery
    WHERE q.rule IS NULL
),

joined AS (
    SELECT
        d.delivery,
        d.site,
        d.kind,
        d.rule,
        i.verdict AS identity_verdict,
        i.reason AS identity_reason,
        b.verdict AS consent_verdict,
        q.rule AS quarantined_by,
        s.scope IS NOT NULL AND e.subject_key IS NULL AS is_unenrolled
    FROM staging.deliveries AS d
    LEFT JOIN staging.identity AS i ON d.delivery = i.delivery
    LEFT JOIN definitions.consent_scope AS s ON d.kind = s.kind
    LEFT JOIN staging.barred AS b
        ON
            d.site = b.site
            AND d.subject_key = b.subject_key
            AND b.scope = CASE WHEN s.scope IS NULL THEN NULL WHEN d.person = 'mother' THEN 'mother' ELSE s.scope END
    LEFT JOIN quarantined AS q ON d.delivery = q.delivery
    LEFT JOIN enrolled AS e ON d.site = e.site AND d.subject_key = e.subject_key
)

SELECT
    delivery,
    site,
    kind,
    CASE
        WHEN identity_verdict IS NOT NULL THEN identity_verdict
        WHEN rule = 'erased' THEN 'withdrawn'
        WHEN rule IS NOT NULL THEN 'refused'
        WHEN consent_verdict IS NOT NULL THEN consent_verdict
        WHEN quarantined_by IS NOT NULL THEN 'quarantined'
        WHEN is_unenrolled THEN 'held'
        ELSE 'included'
    END AS verdict,
    CASE
        WHEN identity_verdict IS NOT NULL THEN identity_reason
        WHEN rule IS NOT NULL THEN rule
        WHEN consent_verdict = 'withdrawn' THEN 'consent_withdrawn'
        WHEN consent_verdict = 'held' THEN 'no_consent'
        WHEN quarantined_by IS NOT NULL THEN quarantined_by
        WHEN is_unenrolled THEN 'no_enrolment'
    END AS reason
FROM joined
