"""The judge beside jsonschema, which checks the same structure but neither codes, units, dates nor repeated keys."""

import json
from datetime import UTC, datetime
from pathlib import Path

from jsonschema import Draft202012Validator

from bench.events import SITE, lab_results
from bench.timing import Comparison, compare
from contracts.judge import is_refusal, judge

_SCHEMA = Path(__file__).parent.parent / "docs" / "reference" / "schemas" / "b12.lab_result.v1.json"
_RECEIVED = datetime(2026, 11, 1, tzinfo=UTC)


def measure() -> Comparison:
    """Judge 5,000 lab results."""
    events = lab_results(5_000)
    validator = Draft202012Validator(json.loads(_SCHEMA.read_text(encoding="utf-8")))

    def ours() -> None:
        assert not any(is_refusal(judge(raw, SITE, _RECEIVED)) for raw in events)

    def theirs() -> None:
        assert all(validator.is_valid(json.loads(raw)) for raw in events)

    return compare("judge a lab result", ours, "json + jsonschema", theirs, len(events))
