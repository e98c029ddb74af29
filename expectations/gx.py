"""Great Expectations, imported in one place: it takes seconds and 170 MB, so only functions that run suites do.

Nothing of ours belongs here.
"""

import atexit
import gc
import os
import sys
import warnings
from types import ModuleType

# Great Expectations 1.24 imports these for expectations that no suite uses: two fifths of its import, and 75 MB.
# Goes when it imports them where they are used.
_unused = [name for name in ("altair", "scipy.stats") if name not in sys.modules]
sys.modules.update({name: ModuleType(name) for name in _unused})
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")  # read on import by the releases that still send any
# It makes 200,000 objects and drops few: to look among them for garbage takes a tenth of its import.
_collects = gc.isenabled()
gc.disable()
with warnings.catch_warnings():
    # Great Expectations 1.24 imports sre_constants, deprecated since Python 3.11; goes when it no longer does.
    warnings.simplefilter("ignore", DeprecationWarning)
    from great_expectations import ExpectationSuite, get_context
    from great_expectations.compatibility.pydantic import Field, PrivateAttr
    from great_expectations.core import ExpectationSuiteValidationResult
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.datasource.fluent.sql_datasource import SQLDatasource
    from great_expectations.execution_engine import SqlAlchemyExecutionEngine
    from great_expectations.expectations import UnexpectedRowsExpectation
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.render.renderer import ValidationResultsPageRenderer
    from great_expectations.render.view import DefaultJinjaPageView
if _collects:
    gc.enable()
for _name in _unused:
    del sys.modules[_name]

__all__ = [
    "DefaultJinjaPageView",
    "ExpectationConfiguration",
    "ExpectationSuite",
    "ExpectationSuiteValidationResult",
    "Field",
    "PrivateAttr",
    "RunIdentifier",
    "SQLDatasource",
    "SqlAlchemyExecutionEngine",
    "UnexpectedRowsExpectation",
    "ValidationResultsPageRenderer",
    "get_context",
]


@atexit.register
def _forget() -> None:
    # Otherwise Great Expectations outlives DuckDB's module, which then prints pages of leaked objects at exit.
    for name in [name for name in sys.modules if name.partition(".")[0] == "great_expectations"]:
        del sys.modules[name]
