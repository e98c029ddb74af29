-- grain: one row per current, included lab result
-- key: delivery
SELECT stated.*
FROM staging.lake_lab_result AS stated
WHERE NOT EXISTS (SELECT 1 FROM staging.left_out AS out WHERE out.delivery = stated.delivery)
