"""Great Expectations' Data Docs as one small site of plain files: counts and rules, never a value.

The pages are rendered by Great Expectations; its site builder is not used, because it ships 4 MB of fonts and its
index needs scripts from other hosts. Which checks ran does not belong here.
"""

import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from expectations.checks import CheckResult
from expectations.gx import (
    DefaultJinjaPageView,
    ExpectationSuiteValidationResult,
    RunIdentifier,
    ValidationResultsPageRenderer,
)

# A page about patients' data asks nothing of other hosts, whatever a later release of Great Expectations puts in.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_ELSEWHERE = re.compile(
    r'<script src="http[^>]*></script>|<link [^>]*href="(?:http|\.\.)[^>]*>|<img [^>]*src="http[^>]*>'
    r'|<footer.*?</footer>|<a [^>]*href="http[^"]*"[^>]*>.*?</a>|<img[^>]*>|<script>.*?</script>',
    re.DOTALL,
)
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 1.5rem; color: #222; max-width: 75rem; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; }
th, td { border: 1px solid #ccc; padding: .25rem .6rem; text-align: left; vertical-align: top; }
.fail, .error { background: #fbe3e0; } .pass { background: #e5f4e3; } .not_applicable { background: #eee; }
.text-success::before { content: "pass"; } .text-danger::before { content: "fail"; }
.text-warning::before { content: "error"; }
.collapse:not(.show) { display: block; } .btn, .ge-walkthrough-modal, .modal { display: none; } svg { width: 1em; }
"""


def write(
    directory: Path, validated: Sequence[tuple[str, ExpectationSuiteValidationResult]], results: Sequence[CheckResult]
) -> None:
    """Replace `directory` by a site with an index and a page for each validated table."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=directory.parent, prefix=f".{directory.name}."))
    try:
        pages: dict[str, list[str]] = {}
        view = DefaultJinjaPageView()  # one for all pages: each compiles its templates anew, which takes longest
        for number, (table, validation) in enumerate(validated):
            page = f"{number:03}-{table}.html"
            (made / page).write_text(_page(view, validation), encoding="utf-8")
            pages.setdefault(table, []).append(page)
        (made / "index.html").write_text(_index(pages, results), encoding="utf-8")
        made.chmod(0o755)
        if directory.exists():
            shutil.rmtree(directory)
        made.rename(directory)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


def _page(view: DefaultJinjaPageView, validation: ExpectationSuiteValidationResult) -> str:
    validation.meta["run_id"] = RunIdentifier(run_time=datetime.now(UTC))
    for result in validation.results:
        _without_exceptions(result.exception_info)
    html = view.render(ValidationResultsPageRenderer().render(validation))
    html = _ELSEWHERE.sub("", html)
    html = re.sub(r'href="[./]+/index\.html"', 'href="index.html"', html)
    html = re.sub(r'<a href="[./]+/expectations/[^>]*>(.*?)</a>', r"\1", html, flags=re.DOTALL)
    return html.replace("<head>", f"<head>{_head()}", 1)


def _without_exceptions(info: dict[str, object]) -> None:
    """An exception's text may quote the value that it stumbled over."""
    for key, value in info.items():
        if isinstance(value, dict):
            _without_exceptions(value)
        elif key in ("exception_message", "exception_traceback") and value:
            info[key] = "not evaluated: see the check's error"


def _head() -> str:
    return (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{_POLICY}"><style>{_STYLE}</style>'
    )


def _index(pages: dict[str, list[str]], results: Sequence[CheckResult]) -> str:
    outcomes = ("pass", "fail", "error", "not_applicable")
    counts = {table: Counter(result.outcome for result in results if result.table == table) for table in pages}
    tables = [
        [
            " ".join(f'<a href="{escape(page)}">{escape(table)}</a>' for page in pages[table]),
            *(str(counts[table][outcome]) for outcome in outcomes),
        ]
        for table in sorted(pages)
    ]
    bad = [
        [
            *(escape(text) for text in (result.table, result.name, result.site or "", result.severity)),
            f'<span class="{result.outcome}">{result.outcome}</span>',
            f"{result.failing} of {result.applicable}",
            escape(result.asks),
        ]
        for result in results
        if result.outcome in ("fail", "error")
    ]
    return (
        f"<!DOCTYPE html><html><head>{_head()}<title>Checks of the last build</title></head><body>"
        "<h1>Checks of the last build</h1>"
        f"<h2>Not passed</h2>{_table(('table', 'check', 'site', 'severity', 'outcome', 'rows', 'asks'), bad)}"
        f"<h2>Tables</h2>{_table(('table', 'pass', 'fail', 'error', 'not applicable'), tables)}</body></html>"
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return "<p>None.</p>"
    head = "".join(f"<th>{name}</th>" for name in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"
