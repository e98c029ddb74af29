-- grain: one row per delivery that is not included
-- key: delivery
-- Few are, so the current rows are all of the lake's rows but these.
SELECT delivery
FROM staging.verdicts
WHERE verdict NOT IN ('included', 'refused')
