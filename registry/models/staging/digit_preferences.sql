-- grain: one row per site and quantity whose last digits are counted
-- key: site, quantity
-- How unevenly the last digits of a site's latest measurements fall: 0 where each is as frequent, 100 where all are one.
WITH measurement AS (
    SELECT site, record_key, measured_date AS day, 'length_cm' AS quantity, length_cm AS value
    FROM staging.current_growth
    UNION ALL
    SELECT site, record_key, measured_date AS day, 'head_circumference_cm' AS quantity, head_circumference_cm AS value
    FROM staging.current_growth
    UNION ALL
    SELECT site, record_key, measured_date AS day, 'weight_g' AS quantity, weight_g AS value
    FROM staging.current_growth
),

latest AS (
    SELECT m.site, m.quantity, k.rule, k.at_least, k.asked_above, floor(round(m.value / k.step, 6)) % 10 AS digit
    FROM measurement AS m
    INNER JOIN definitions.digit_check AS k ON m.quantity = k.quantity
    WHERE m.value IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY m.site, m.quantity ORDER BY m.day DESC, m.record_key) <= k.latest
),

counted AS (
    SELECT site, quantity, rule, at_least, asked_above, digit, count(*) AS times
    FROM latest
    GROUP BY site, quantity, rule, at_least, asked_above, digit
)

SELECT
    site,
    quantity,
    sum(times)::INTEGER AS measurements,
    round(100 * sqrt(greatest(10 * sum(times * times) / pow(sum(times), 2) - 1, 0) / 9), 1)::DECIMAL(4, 1) AS score,
    CASE WHEN score > asked_above THEN rule END AS rule
FROM counted
GROUP BY site, quantity, rule, at_least, asked_above
HAVING sum(times) >= at_least
