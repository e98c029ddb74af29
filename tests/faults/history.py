"""The seeded history of one site: events of every kind, poison among them, each with the verdict it must get.

The verdicts are written down here and not asked of the judge, so that the checker has a witness of its own; a test
holds both together. How events are sent belongs to tests/faults/producer.py.
"""

import itertools
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

EXAMPLES = Path(__file__).parents[2] / "contracts" / "examples"
ACCEPTED = "accepted"
REFUSED = "refused"
CHANGED_LIMIT = 4096
"""The changed rule, of workers that tests/faults/variants.py starts: no event may have more bytes."""
SUBJECTS = 100
"""Of a site. All of them are spoken of for as long as its history lasts."""
POISON_SHARE = 0.08
LONG_SHARE = 0.03

Value = bytes | None


class Planned(NamedTuple):
    """One event, and what the platform must make of it."""

    value: Value
    id: str
    """Empty when nobody can tell it from the bytes."""
    subject: str
    """The same of whom it speaks of."""
    kind: str
    """Where the lake must keep it if it is accepted."""
    verdict: str
    """`accepted`, or the rule that refuses it."""
    changed: str
    """The verdict of a worker under the changed rule."""
    number: str
    """The reported value of a lab result as written; empty for all else."""


def events(site: str, run: str, seed: object) -> Iterator[Planned]:
    """The events of one run of a site's producer, without end; the same for the same arguments."""
    dice = random.Random(f"{seed}/{site}/{run}")
    templates = {path.stem: _template(path, site) for path in sorted(EXAMPLES.glob("*.json"))}
    kinds = sorted(templates)
    for count in itertools.count(1):
        name, subject = f"{site}-{run}-{count}", f"{site}-S{dice.randrange(SUBJECTS):03d}"
        kind = dice.choice(kinds)
        number = f"{100 + count % 900}.{count % 10}" if kind == "lab_result" else ""
        value = templates[kind].replace(b"@ID@", name.encode()).replace(b"@SUBJECT@", subject.encode())
        value = value.replace(b"@NUMBER@", number.encode())
        fate = dice.random()
        if fate < POISON_SHARE:
            yield _poison(dice, value, name, subject, site)
        elif fate < POISON_SHARE + LONG_SHARE:
            # Blanks mean nothing to JSON, but the changed rule counts them.
            yield Planned(value + b" " * CHANGED_LIMIT, name, subject, kind, ACCEPTED, "too_large", number)
        else:
            yield Planned(value, name, subject, kind, ACCEPTED, ACCEPTED, number)


def _template(path: Path, site: str) -> bytes:
    content = json.loads(path.read_text())
    content |= {"id": "@ID@", "subject": "@SUBJECT@", "source": f"/sites/{site}"}
    if path.stem == "lab_result":
        content["data"]["value"] = "@NUMBER@"
    return json.dumps(content, separators=(",", ":")).encode().replace(b'"@NUMBER@"', b"@NUMBER@")


def _poison(dice: random.Random, good: bytes, name: str, subject: str, site: str) -> Planned:
    text, who, place = name.encode(), subject.encode(), f"/sites/{site}".encode()
    nested = b'{"a":' * 300 + b'"' + text + b'"' + b"}" * 300
    ways: tuple[tuple[str, Value, str], ...] = (
        ("not_json", b"not json " + text, ""),
        ("not_json", b"\x00" * 9 + text, ""),
        ("not_json", good + b"\n" + good, ""),
        ("not_json", b"", ""),
        ("no_value", None, ""),
        ("not_an_object", b"null", ""),
        ("not_utf8", good.replace(who, b"\xff" + who, 1), ""),
        ("nested_too_deep", nested, ""),
        ("too_large", good + b" " * 70_000, ""),
        ("wrong_site", good.replace(place, b"/sites/OTHER1"), name),
        ("time_ahead", good.replace(b'"time":"2026', b'"time":"2926', 1), name),
        ("unknown_field", good.replace(b'"data":{', b'"data":{"x":1,', 1), name),
        ("unknown_type", good.replace(b'"b12.', b'"b13.', 1), name),
        ("field_missing", good.replace(b'"subject":"' + who + b'",', b"", 1), name),
        ("duplicate_key", good.replace(b'"id"', b'"source":"/sites/X","id"', 1), name),
    )
    rule, value, told = dice.choice(ways)
    return Planned(value, told, subject if told and who in (value or b"") else "", REFUSED, rule, rule, "")
