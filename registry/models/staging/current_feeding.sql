-- grain: one row per current, included feeding
-- key: delivery
SELECT stated.*
FROM staging.lake_feeding AS stated
WHERE NOT EXISTS (SELECT 1 FROM staging.left_out AS out WHERE out.delivery = stated.delivery)
