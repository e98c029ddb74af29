"""The pages of the documentation, and which of them are run against what.

What is asserted of a page belongs to the tests; how a fence is run, to fences.py.
"""

from pathlib import Path

from tests.docs import fences

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(page for page in (ROOT / "docs").rglob("*.md") if "reference" not in page.parts)])


def named(page: Path) -> str:
    """A page's path, as tests are named by it."""
    return str(page.relative_to(ROOT))


def with_fences(*languages: str) -> list[Path]:
    """The pages that have a fence in one of these languages."""
    found = [page for page in PAGES if any(fence.language in languages for fence in fences.of(page))]
    assert found
    return found


RUN = with_fences("console", "sql", "python")
RUN_ELSEWHERE = {
    "get-alerts.md": "tests/unit/test_alert_webhook.py",
    "send-from-your-own-software.md": "tests/integration/test_stock_clients.py",
}
OF_LABS = [page for page in RUN if page.name == "lab.md"]
OF_THE_DEMONSTRATION = [page for page in RUN if page not in OF_LABS and page.name not in RUN_ELSEWHERE]
