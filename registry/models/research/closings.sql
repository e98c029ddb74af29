-- grain: one row per subject who has left for good, as of the cut-off
-- key: subject_key
-- By the newest state: one that definitions.closing_state closes with. Nothing is due from that age on.
WITH stood AS (
    SELECT
        subject_key,
        site,
        arg_max(state, (effective_age_days, record_key)) AS state,
        max(effective_age_days) AS effective_age_days
    FROM core.statuses
    WHERE effective_age_days IS NOT NULL
    GROUP BY subject_key, site
)

SELECT
    s.subject_key,
    s.site,
    s.state,
    s.effective_age_days AS closed_age_days,
    c.reason
FROM stood AS s
INNER JOIN definitions.closing_state AS c ON s.state = c.code
