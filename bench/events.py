"""Plausible lab results for measurements: the same bytes for us and for the peer."""

import json
import random

from contracts.site import Site

SITE = Site(id="BENCH01", name="Bench", country="IN", time_zone="Asia/Kolkata", synthetic=True)

_TESTS = [("2132-9", "pg/mL", "serum"), ("13965-9", "umol/L", "plasma"), ("13964-2", "umol/L", "serum")]


def lab_results(count: int, seed: int = 12) -> list[bytes]:
    """`count` valid lab_result events of about 350 bytes."""
    chance = random.Random(seed)  # noqa: S311  # repeatable, not secret
    return [_lab_result(number, chance) for number in range(count)]


def _lab_result(number: int, chance: random.Random) -> bytes:
    loinc, unit, specimen = chance.choice(_TESTS)
    day = f"2026-{chance.randint(1, 9):02}-{chance.randint(1, 28):02}"
    event = {
        "specversion": "1.0",
        "id": f"{number:032x}",
        "source": SITE.source,
        "type": "b12.lab_result.v1",
        "time": f"{day}T10:00:00+05:30",
        "subject": f"S{number % 5000:05}",
        "record": f"lis-{number}",
        "data": {
            "person": "infant",
            "loinc": loinc,
            "value": round(chance.uniform(0.1, 900), 2),
            "unit": unit,
            "specimen": specimen,
            "collected": f"{day}T09:30+05:30",
            "status": "final",
        },
    }
    return json.dumps(event).encode()
