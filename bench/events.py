"""Plausible events for measurements: the same bytes for us and for our peers. Made up, of a fixed seed."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from importlib.resources import files
from typing import Any

from contracts.site import Site

SITE = Site(id="BENCH01", name="Bench", country="IN", time_zone="Asia/Kolkata", synthetic=True)

_TESTS = [
    ("2132-9", "pg/mL", "serum", 211, 946),
    ("13965-9", "umol/L", "plasma", 3.3, 8.3),
    ("13964-2", "umol/L", "serum", 0.08, 0.56),
]
_INDIA = timezone(timedelta(hours=5, minutes=30))
_KINDS = {
    "lab_result": 60,
    "dose": 12,
    "milestone": 10,
    "growth": 6,
    "symptom": 6,
    "feeding": 2,
    "assessment": 2,
    "enrolment": 2,
}
"""How often each kind comes, in a hundred: an infant has many results, doses and visits, and one enrolment."""
_DATES = {"collected", "resulted", "given", "observed", "assessed", "measured"}
_NUMBERS = {"value": 900.0, "ug": 1500.0, "weight_g": 9000.0, "length_cm": 90.0, "score": 130.0}


def lab_results(count: int, seed: int = 12) -> list[bytes]:
    """`count` valid lab_result events of about 400 bytes."""
    chance = random.Random(seed)  # noqa: S311  # repeatable, not secret
    return [_written(_lab_result(number, chance)) for number in range(count)]


def registry_events(count: int, site: Site = SITE, seed: int = 12) -> Iterator[bytes]:
    """`count` valid events of eight kinds, of about 375 bytes, as a site's system sends them."""
    chance = random.Random(seed)  # noqa: S311
    examples = {kind: _example(kind) for kind in _KINDS}
    kinds = chance.choices(list(_KINDS), list(_KINDS.values()), k=count)
    for number, kind in enumerate(kinds):
        event = _lab_result(number, chance) if kind == "lab_result" else _varied(examples[kind], number, chance)
        yield _written(event | {"source": site.source})


def unusual_events(count: int, site: Site = SITE, seed: int = 12) -> Iterator[bytes]:
    """The same, pretty-printed, and each with a letter that is not ASCII."""
    for number, raw in enumerate(registry_events(count, site, seed)):
        event = json.loads(raw) | {"id": f"Prüfung-{number}"}
        yield json.dumps(event, indent=2, ensure_ascii=False).encode()


def damaged_events(count: int, site: Site = SITE, seed: int = 12) -> Iterator[bytes]:
    """The same, one in two hundred of them damaged, each in one of five ways."""
    for number, raw in enumerate(registry_events(count, site, seed)):
        yield _DAMAGES[number // 200 % len(_DAMAGES)](raw) if number % 200 == 7 else raw


_DAMAGES = (
    lambda raw: raw[:-3],
    lambda raw: raw.replace(b'"data":{', b'"data":{"surname":"x",'),
    lambda raw: raw.replace(b"2026-", b"2026-13-"),
    lambda raw: raw.replace(b"/sites/", b"/sites/X"),
    lambda raw: raw.replace(b'"subject":"', b'"subject":"infant '),
)


def _lab_result(number: int, chance: random.Random) -> dict[str, Any]:
    loinc, unit, specimen, low, high = chance.choice(_TESTS)
    moment = _moment(chance)
    event = _envelope("lab_result", number, moment)
    event["data"] = {
        "person": "infant",
        "loinc": loinc,
        "value": round(chance.uniform(0.1, 900), 2),
        "unit": unit,
        "reference_low": low,
        "reference_high": high,
        "specimen": specimen,
        "collected": _minute(moment - timedelta(hours=chance.randint(1, 60))),
        "status": "final",
        "method": "immunoassay",
    }
    return event


def _varied(example: dict[str, Any], number: int, chance: random.Random) -> dict[str, Any]:
    moment = _moment(chance)
    event = _envelope(example["type"].split(".")[1], number, moment)
    event["data"] = data = dict(example["data"])
    for name in data.keys() & _DATES:
        data[name] = moment.date().isoformat()
    for name in data.keys() & _NUMBERS.keys():
        data[name] = round(chance.uniform(0.1, _NUMBERS[name]), 1)
    return event


def _envelope(kind: str, number: int, moment: datetime) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"{number:032x}",
        "source": SITE.source,
        "type": f"b12.{kind}.v1",
        "time": moment.isoformat(timespec="seconds"),
        "subject": f"S{number % 5000:05}",
        "record": f"lis-{number}",
    }


def _moment(chance: random.Random) -> datetime:
    first = datetime(2026, 1, 1, tzinfo=UTC)
    return (first + timedelta(seconds=chance.randrange(300 * 86_400))).astimezone(_INDIA)


def _minute(moment: datetime) -> str:
    return moment.isoformat(timespec="minutes")


def _example(kind: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(files("contracts").joinpath("examples", f"{kind}.json").read_bytes())
    return content


def _written(event: dict[str, Any]) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()
