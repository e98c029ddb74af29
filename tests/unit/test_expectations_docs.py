"""Data Docs show what was asked and how many rows failed, never what a row says."""

from html.parser import HTMLParser
from pathlib import Path

from expectations.runner import Runner
from expectations.suites import site_checks
from tests.small_build import SmallBuild

CANARIES = ("4711.125", "CANARY-METHOD", "1987-06-05", "c0ffee00-0000-4000-8000-00000000cafe")


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("href", "src")]


def with_canaries(directory: Path) -> SmallBuild:
    build = SmallBuild(directory)
    build.current(
        "lab_result",
        "BLR01",
        30,
        subject_key=f"'{CANARIES[3]}'::UUID",
        value=CANARIES[0],
        method=f"'{CANARIES[1]}'",
        collected_date=f"DATE '{CANARIES[2]}'",
        loinc="'4711-1'",
    )
    return build


def test_no_file_holds_a_value_and_none_asks_another_host(tmp_path: Path) -> None:
    build = with_canaries(tmp_path)
    broken = [check for check in site_checks() if check.table == "staging.current_lab_result"]
    runner = Runner()
    results = runner.run(build.databases, broken, ["BLR01"])
    runner.run(build.databases, [check for check in site_checks() if check.name == "share_refused"], in_docs=False)
    runner.write_docs(tmp_path / "docs", results)
    assert any(result.outcome == "fail" for result in results)

    pages = sorted((tmp_path / "docs").iterdir())
    assert [page.name for page in pages] == ["000-staging.current_lab_result.html", "index.html"]
    for page in pages:
        text = page.read_text()
        assert not [canary for canary in CANARIES if canary in text]
        links = Links()
        links.feed(text)
        assert {link for link in links.found if not link.startswith("#")} <= {"index.html", pages[0].name}
        assert "default-src 'none'" in text
        assert "Traceback" not in text


def test_a_site_is_replaced_whole(tmp_path: Path) -> None:
    build = with_canaries(tmp_path)
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "left-over.html").write_text("old")
    runner = Runner()
    checks = [check for check in site_checks() if check.name == "share_refused"]
    runner.write_docs(docs, runner.run(build.databases, checks, ["BLR01"]))
    assert sorted(page.name for page in docs.iterdir()) == ["000-staging.verdicts.html", "index.html"]
