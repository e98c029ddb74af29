"""A page as a browser shows it: headless Chromium, a new empty profile each time, and no page of another host.

Which pages are looked at belongs to the tests.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

_QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


def shown(url: str, directory: Path, *, milliseconds: int = 10_000) -> str:
    """The text of a page after so much of its own time; without Chromium a failure in CI, else a skip."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        if os.environ.get("CI"):
            pytest.fail("CI is set, and there is no Chromium: install the package chromium")
        pytest.skip("NO CHROMIUM, SO NO PAGE WAS LOOKED AT: install the package chromium")
    command = [chromium, *_QUIET, f"--user-data-dir={directory}", f"--virtual-time-budget={milliseconds}"]
    page = subprocess.run([*command, "--dump-dom", url], check=True, capture_output=True, timeout=120, text=True)
    visible = re.sub(r"<(script|style)[^>]*>.*?</\1>", " ", page.stdout, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", visible))
