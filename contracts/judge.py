"""The judge: accepts one delivery or refuses it, naming the rule, the place and the fix.

It decides only what the delivery alone can show. What needs other deliveries (identity, consent, plausibility
beside an enrolment) is judged in the registry. It is the oracle for any faster path. No value, subject or date
ever enters a refusal; an unknown field's name does not either.
"""

import re
import tomllib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from contracts import codes
from contracts.events import DATA, ENVELOPES, KIND_OF, Event
from contracts.kinds.base import Data
from contracts.raw import as_written, is_utf8, nests_too_deep, readable, repeats_keys
from contracts.shapes import Shape, shapes
from contracts.site import Site
from contracts.when import require_calendar

if TYPE_CHECKING:
    from typing_extensions import TypeIs

MAX_BYTES = 65_536
"""The largest event that is read: an honest one has under 2 kB."""
AHEAD = timedelta(minutes=10)
"""How far a sender's clock may be ahead of the broker's."""

_decode: Callable[[bytes], Event] = msgspec.json.Decoder(Event).decode
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
"""A number in JSON. Python's Decimal takes more: spaces, underscores, a plus, the digits of other scripts, NaN."""
_NEWER = re.compile(r"b12\.([a-z_]+)\.v(?:[2-9]|[1-9][0-9]{1,3})")
"""A kind in a version that comes after ours."""
_PATH = re.compile(r" - at `(\$[^`]*)`$")


class DoorRule(NamedTuple):
    """A rule of the door: what it asks, and what the sender does when it refuses."""

    name: str
    asks: str
    fix: str


class Refusal(NamedTuple):
    """Why a delivery was refused, and what of it could still be told."""

    rule: str
    path: str
    """JSON path, of known fields only."""
    kind: str | None = None
    id: str | None = None
    subject: str | None = None

    @property
    def fix(self) -> str:
        """What the sender should do, in plain words."""
        return rules()[self.rule].fix


@cache
def rules() -> dict[str, DoorRule]:
    """Every rule of the door by its name."""
    text = files("contracts").joinpath("rules", "door.toml").read_text(encoding="utf-8")
    return {rule["name"]: DoorRule(rule["name"], rule["asks"], rule["fix"]) for rule in tomllib.loads(text)["rule"]}


def judge(
    raw: bytes | None,
    site: Site,
    received: datetime | None = None,
    headers: Sequence[tuple[str, bytes | None]] = (),
) -> Event | Refusal:
    """Judge one delivery of `site`; `received` is the broker's time, None where no broker has seen it yet.

    Never raises: a fault of ours becomes the refusal `judge_failed`, which operators can replay.
    """
    try:
        return _judge(raw, site, received, headers)
    except Exception:  # a poison delivery must never stop the others behind it
        return Refusal("judge_failed", "$")


def is_refusal(judged: Event | Refusal) -> "TypeIs[Refusal]":
    """Whether a delivery was refused."""
    return type(judged) is Refusal


def _judge(
    raw: bytes | None, site: Site, received: datetime | None, headers: Sequence[tuple[str, bytes | None]]
) -> Event | Refusal:
    if raw is None:
        return Refusal("no_value", "$")
    if headers and any(name.lower().startswith("ce_") for name, _ in headers):
        return Refusal("binary_mode", "$")
    if len(raw) > MAX_BYTES:
        return Refusal("too_large", "$")
    if nests_too_deep(raw):
        return Refusal("nested_too_deep", "$")
    try:
        event = _decode(raw)
    except msgspec.ValidationError as error:
        return _named(raw, *_explain(str(error)))
    except (msgspec.DecodeError, ValueError):
        return Refusal("not_json" if is_utf8(raw) else "not_utf8", "$")
    written = as_written(raw)
    if repeats_keys(raw, written):
        return _named(raw, "duplicate_key", "$")
    problem = _check(event, written["data"], site, received)
    if problem is None:
        return event
    return Refusal(problem[0], problem[1], KIND_OF[type(event)], event.id, event.subject)


def _check(event: Event, written: dict[str, Any], site: Site, received: datetime | None) -> tuple[str, str] | None:
    """The first of the checks beyond the schema that fails: its rule and path."""
    if event.source != site.source:
        return "wrong_site", "$.source"
    if received is not None and event.time - received > AHEAD:
        return "time_ahead", "$.time"
    if not 1970 <= event.time.year < 3000:
        return "time_unlikely", "$.time"
    data = event.data
    for name in _DECIMALS[type(data)]:
        value: Decimal | None = getattr(data, name)
        if value is not None:
            spelled = written[name]
            if type(spelled) is str and not _NUMBER.fullmatch(spelled):
                return "number_spelling", f"$.data.{name}"
            if not _fits(value):
                return "too_many_digits", f"$.data.{name}"
    for name in _WHENS[type(data)]:
        text: str | None = getattr(data, name)
        if text is not None:
            try:
                require_calendar(text)
            except ValueError:
                return "no_such_date", f"$.data.{name}"
    check = _CODE_CHECKS.get(KIND_OF[type(event)])
    return check(data) if check else None


def _fits(value: Decimal) -> bool:
    """Whether DECIMAL(28,12) holds the number exactly."""
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -12 and value.adjusted() < 16


def _lab_codes(data: Any) -> tuple[str, str] | None:
    code = codes.loinc_codes().get(data.loinc)
    if code is None:
        known = codes.check_digit(data.loinc)
        return ("unknown_loinc" if known else "loinc_check_digit"), "$.data.loinc"
    if data.specimen not in code.specimens:
        return "specimen_not_for_code", "$.data.specimen"
    if data.unit is not None and data.unit not in code.factors:
        return "unit_not_for_code", "$.data.unit"
    if data.status != "cancelled" and (data.value is None or data.unit is None):
        return "value_missing", "$.data.value" if data.value is None else "$.data.unit"
    return None


def _dose_complete(data: Any) -> tuple[str, str] | None:
    if data.status == "given":
        if data.given is None:
            return "value_missing", "$.data.given"
        if data.ug is None:
            return "value_missing", "$.data.ug"
    elif data.given is not None:
        return "contradiction", "$.data.given"
    return None


def _assessment_codes(data: Any) -> tuple[str, str] | None:
    instrument = codes.instruments().get(data.instrument)
    if instrument is None:
        return "unknown_code", "$.data.instrument"
    domains = instrument.editions.get(data.edition)
    if domains is None:
        return "unknown_code", "$.data.edition"
    if data.domain not in domains:
        return "unknown_code", "$.data.domain"
    if data.status == "completed" and data.score is None and data.category is None:
        return "value_missing", "$.data.score"
    return None


def _imaging_codes(data: Any) -> tuple[str, str] | None:
    if data.region not in codes.closed_list("regions"):
        return "unknown_code", "$.data.region"
    if (data.unit == "1") != (data.metric == "fa"):
        return "unit_not_for_code", "$.data.unit"
    return None


def _growth_measured(data: Any) -> tuple[str, str] | None:
    if data.weight_g is None and data.length_cm is None and data.head_circumference_cm is None:
        return "value_missing", "$.data"
    return None


def _scopes_named(data: Any) -> tuple[str, str] | None:
    return None if data.scopes else ("value_missing", "$.data.scopes")


def _listed(field: str, name: str) -> Callable[[Any], tuple[str, str] | None]:
    def check(data: Any) -> tuple[str, str] | None:
        return None if getattr(data, field) in codes.closed_list(name) else ("unknown_code", f"$.data.{field}")

    return check


_CODE_CHECKS: dict[str, Callable[[Any], tuple[str, str] | None]] = {
    "lab_result": _lab_codes,
    "dose": _dose_complete,
    "assessment": _assessment_codes,
    "imaging": _imaging_codes,
    "growth": _growth_measured,
    "consent": _scopes_named,
    "milestone": _listed("code", "milestones"),
    "symptom": _listed("code", "signs"),
}


def _fields_of(shape: Shape) -> dict[type[Data], tuple[str, ...]]:
    """The fields of each data struct that have this shape."""
    return {struct: tuple(name for name, its in shapes(struct).items() if its == shape) for struct in DATA.values()}


_DECIMALS = _fields_of("decimal")
_WHENS = _fields_of("when")


def _explain(message: str) -> tuple[str, str]:
    """The rule and the path that stand in msgspec's message, without the value that may stand there too."""
    found = _PATH.search(message)
    path = found.group(1) if found else "$"
    missing = re.match(r"Object missing required field `(\w+)`", message)
    if missing:
        return "field_missing", f"{path}.{missing.group(1)}"
    if message.startswith("Object contains unknown field"):
        return "unknown_field", path
    if message.startswith("Invalid decimal string"):
        return "number_spelling", path
    if message.startswith("Invalid value") and path == "$.type":
        return "unknown_type", path
    if message.startswith("Invalid enum value"):
        return ("specversion" if path == "$.specversion" else "unknown_code"), path
    if path == "$":
        return "not_an_object", path
    if "matching regex" in message or "Invalid" in message or "timezone" in message:
        return "format", path
    if ">=" in message or "<=" in message or "length" in message:
        return "out_of_range", path
    return "wrong_type", path


def _named(raw: bytes, rule: str, path: str) -> Refusal:
    """A refusal with what can still be told of an event that does not fit its schema."""
    loose = readable(raw)
    written = loose["type"] if isinstance(loose.get("type"), str) else ""
    envelope = ENVELOPES.get(written)
    kind = KIND_OF[envelope] if envelope else None
    if rule == "unknown_type" and (newer := _NEWER.fullmatch(written)) and newer[1] in DATA:
        rule, kind = "newer_version", newer[1]
    return Refusal(rule, path, kind, _text(loose, "id"), _text(loose, "subject"))


def _text(loose: dict[str, Any], name: str) -> str | None:
    value = loose.get(name)
    return value if isinstance(value, str) and 0 < len(value) <= 256 and value.isprintable() else None
