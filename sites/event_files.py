"""The offline check of a file that holds one CloudEvent in a line, every problem in one pass.

What a report holds and what the row rules find belongs to `sites.checking`.
"""

from collections.abc import Iterator, Set
from hashlib import blake2b
from itertools import islice
from pathlib import Path

import msgspec

from contracts.content import canonical
from contracts.events import KIND_OF, Event
from contracts.judge import is_refusal, judge
from contracts.site import Site
from contracts.when import When
from sites.checking import AT_ONCE, Report, findings_of, unregistered_site
from sites.problems import FIXES, Problem
from sites.reading import require_file
from sites.refusals import reasons
from sites.statement import Confirmed, Statement


def check_events(
    path: Path, site: Site | None, report: Report, confirmed: Set[Confirmed] = frozenset()
) -> Iterator[Statement]:
    """The good events of a file that holds one CloudEvent in a line; without `site`, of the site it names first."""
    require_file(path)
    return _events(path, site, report, confirmed)


def _events(path: Path, site: Site | None, report: Report, confirmed: Set[Confirmed]) -> Iterator[Statement]:
    births: dict[str, When] = {}
    said: dict[str, tuple[int, bytes]] = {}
    for lines in _lines(path):
        report.rows += len(lines)
        site = site or _named_site(lines[0][1])
        judged = [judge(raw, site) for _, raw in lines]
        findings = [
            [] if is_refusal(it) else list(findings_of(it, site, births, _record(it), it.id, confirmed))
            for it in judged
        ]
        contents = [b"" if is_refusal(it) else blake2b(canonical(it), digest_size=16).digest() for it in judged]
        for (number, raw), event, found, content in zip(lines, judged, findings, contents, strict=True):
            if is_refusal(event):
                report.problems += (
                    Problem(number, reason.path, reason.rule, reason.fix, event.kind or "")
                    for reason in reasons(raw, site)
                )
                continue
            kind = KIND_OF[type(event)]
            problems = [
                Problem(number, f"$.data.{field}", rule, fix, kind, severity) for field, rule, fix, severity in found
            ]
            first, same = said.setdefault(event.id, (number, content))
            if first != number:
                rule = "id_repeated" if same == content else "id_conflict"
                fix = f"{FIXES[rule]} (First in line {first}.)"
                problems.append(Problem(number, "$.id", rule, fix, kind, "info" if same == content else "critical"))
            report.problems += problems
            if not any(problem.severity == "critical" for problem in problems):
                report.events[kind] += 1
                time = event.time.isoformat()
                yield Statement(number, "", kind, event.subject, _record(event), event.id, time, raw)


def _lines(path: Path) -> Iterator[list[tuple[int, bytes]]]:
    """The lines that are not empty, with their numbers, as many at once as are taken through each step together."""
    with path.open("rb") as file:
        numbered = enumerate(file, 1)
        while lines := list(islice(numbered, AT_ONCE)):
            if lines[0][0] == 1:
                lines[0] = 1, lines[0][1].removeprefix(b"\xef\xbb\xbf")
            if written := [(number, raw) for number, line in lines if (raw := line.strip())]:
                yield written


def _record(event: Event) -> str:
    return event.record if isinstance(event.record, str) else event.id


def _named_site(raw: bytes) -> Site:
    """The site that an event names, as far as a check without a lab's settings needs to know it."""
    try:
        source = _sourced(raw).source
    except (msgspec.DecodeError, ValueError, RecursionError):
        source = ""
    return unregistered_site(source.removeprefix("/sites/"))


class _Sourced(msgspec.Struct):
    source: str


_sourced = msgspec.json.Decoder(_Sourced).decode
