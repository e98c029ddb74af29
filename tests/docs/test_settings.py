"""Every setting is documented, and every documented setting exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("b12", "contracts", "expectations", "lake", "pipelines", "registry", "sites", "streams")
NO_SETTINGS = {
    "B12_COMPOUNDS",  # a table of substances
    "B12_TEST_KILL_AT",  # makes a worker kill itself, in the tests of crashes
}
READ_BY_TESTS = {"B12_NHANES"}


def test_settings_and_their_page_agree():
    sources = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    text = "\n".join(path.read_text() for path in [*sources, ROOT / "docker-compose.yml"])
    used = set(re.findall(r"\bB12_[A-Z0-9_]*[A-Z0-9]\b", text)) - NO_SETTINGS
    page = (ROOT / "docs" / "reference" / "settings.md").read_text()
    documented = set(re.findall(r"^\| `(B12_[A-Z0-9_]+)`", page, re.MULTILINE))
    assert used | READ_BY_TESTS == documented
