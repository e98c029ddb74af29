-- grain: one row per candidate and alternative of a class that it reaches
-- key: definition, subject_key, basis, index_age_days, anchor_age_days, class, alternative
-- The rule table evaluated: an alternative is reached when each of its rows finds its criterion in the wanted state.
-- At a specimen, one of the criteria must be met by that very specimen.
WITH needed AS (
    SELECT definition, class, alternative, count(*) AS criteria
    FROM definitions.case_rule
    GROUP BY definition, class, alternative
)

SELECT
    r.definition,
    c.subject_key,
    c.basis,
    c.index_age_days,
    c.anchor_age_days,
    r.class,
    r.class_order,
    r.alternative
FROM research.criteria AS c
INNER JOIN definitions.case_rule AS r ON c.criterion = r.criterion AND c.state = r.wanted
INNER JOIN definitions.case_class AS k ON r.definition = k.definition AND r.class = k.class AND c.basis = k.basis
INNER JOIN needed AS n ON r.definition = n.definition AND r.class = n.class AND r.alternative = n.alternative
GROUP BY
    r.definition, c.subject_key, c.basis, c.index_age_days, c.anchor_age_days, r.class, r.class_order, r.alternative
HAVING count(*) = any_value(n.criteria) AND (c.basis <> 'marker' OR bool_or(c.is_at_anchor))
