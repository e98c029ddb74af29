"""The expectation that a query returns no row, which counts the rows and never reads one.

Which queries are asked belongs to suites.py and release.py.
"""

from typing import Any, ClassVar

from expectations.gx import UnexpectedRowsExpectation


class ExpectNoRows(UnexpectedRowsExpectation):
    """Great Expectations' own reads the rows besides counting them: twice the work, and values in memory."""

    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.row_count",)

    def _validate(self, metrics: dict[str, Any], *_: Any, **__: Any) -> dict[str, Any]:
        rows = metrics["unexpected_rows_query.row_count"]
        return {"success": rows == 0, "result": {"observed_value": rows}}
