"""What a scenario of a case is, and the names of the classes."""

from typing import Any

Scenario = tuple[str, str, str, dict[str, Any]]
"""Its name, the infant's story (see `Infant.tell`), the class, and what else the row of research.cases says."""

NONE, POSSIBLE, PROBABLE, DEFINITE = "none", "possible", "probable", "definite"
SUSPECTED, UNKNOWN, INELIGIBLE = "suspected", "not_assessable", "not_eligible"
