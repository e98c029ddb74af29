"""Events that fill in one form are accepted together, and nobody can tell: verdicts, rows and hashes are the same.

Every corpus goes both ways, each event by itself being enough for the quick one.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from random import Random
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec import json, structs

from contracts import codes
from contracts.events import DATA, KINDS, EnrolmentEvent
from contracts.judge import MAX_BYTES, judge
from contracts.pseudonyms import site_key
from contracts.shapes import limits, shapes
from contracts.site import Site
from lake.judgements import of_batch
from lake.rows import Batch, tables
from streams.fast import compiled, quick
from streams.fast.values import PLAIN_CHARACTERS, PLAIN_LENGTH
from streams.records import RawBatch, Undecoded
from streams.sources import answers
from tests.arbitrary_events import arbitrary_json
from tests.sample_events import event, one_of_each
from tests.spec.test_judge_fuzz import PIECES

SITE = Site(id="BLR01", name="A laboratory", country="IN", time_zone="Asia/Kolkata", lab_codes=("VITB12",))
KEY = site_key(b"s" * 32, SITE.id)
RECEIVED_MS = 1_795_000_000_123


@pytest.fixture(autouse=True, params=["columns", "compiled", "compiled from batches"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Which of the quick ways is tried; one event is enough for it."""
    if request.param != "columns" and compiled.way() == "columns":
        pytest.skip("the scanner was not built: there is no Rust compiler here")
    monkeypatch.setattr(quick, "LEAST", 1)
    monkeypatch.setattr(quick, "LEAST_OF_FORM", 1)
    monkeypatch.setattr(compiled, "LEAST", 1)
    monkeypatch.setattr(compiled, "LEAST_UNKNOWN", 1)
    monkeypatch.setattr("tests.spec.test_forms._way", request.param)
    return str(request.param)


_way = ""
"""What the fixture says."""


def accept(batch: Batch, site: Site, records: Sequence[Any]) -> Sequence[Any]:
    match _way:
        case "columns":
            return quick.accept(batch, site, records)
        case "compiled":
            return compiled.Compiled().accept(batch, site, records)
    return compiled.Compiled().accept(batch, site, fetched(records))


def fetched(records: Sequence[Any]) -> Undecoded:
    """The same records as they come from Kafka: in batches that the broker stamped."""
    batches = []
    for (stamp, _), group in groupby(enumerate(records), lambda found: (found[1].timestamp, found[0] // 5)):
        members = [found for _, found in group]
        builder = DefaultRecordBatchBuilder(2, stamp % 2, False, -1, -1, -1, 1 << 24)
        for found in members:
            assert builder.append(found.offset - members[0].offset, stamp, None, found.value, found.headers)
        raw = builder.build()
        raw[:8] = members[0].offset.to_bytes(8, "big")
        raw[22] |= 0x08
        batches.append(RawBatch(bytes(raw), members[-1].offset))
    return Undecoded(batches)


def record(offset: int, value: bytes | None, headers: Iterable[tuple[str, bytes]] = ()) -> Any:
    return SimpleNamespace(offset=offset, timestamp=RECEIVED_MS + offset // 7, value=value, headers=list(headers))


def both(records: Sequence[Any], site: Site = SITE) -> int:
    """Judge the records both ways and compare all that comes of it; how many the quick way accepted."""
    quickly, slowly = (Batch(site, KEY, "u-1", 0) for _ in range(2))
    for batch, rest in ((quickly, accept(quickly, site, records)), (slowly, records)):
        values = [found.value for found in rest]
        sizes = [None if value is None else len(value) for value in values]
        places = [found.offset for found in rest], [found.timestamp for found in rest]
        batch.extend(Batch(site, KEY, "u-1", 0, *places, sizes, answers(site, rest)))
    assert (len(quickly), quickly.bytes, quickly.oldest_ms) == (len(slowly), slowly.bytes, slowly.oldest_ms)
    assert of_batch(quickly) == of_batch(slowly)
    ours, theirs = tables(quickly), tables(slowly)
    assert ours.keys() == theirs.keys()
    for kind, table in ours.items():
        table.validate(full=True)
        sorted_ = table.sort_by("offset")
        for name in sorted_.column_names:
            assert sorted_[name].equals(theirs[kind][name]), (kind, name)
        assert table.schema.equals(theirs[kind].schema, check_metadata=True)
    return len(quickly) - len(quickly.offsets)


def both_of(values: Iterable[bytes | None], site: Site = SITE) -> int:
    return both([record(offset, value) for offset, value in enumerate(values)], site)


def written(content: Any, number: int) -> bytes:
    """An event in one of the ways in which JSON can be written."""
    if number % 3 == 1:
        return json.format(json.encode(content), indent=2)
    if number % 3 == 2:
        content = dict(reversed(content.items())) | {"data": dict(sorted(content["data"].items()))}
    return json.encode(content)


@pytest.mark.parametrize("kind", KINDS)
def test_events_of_every_kind_with_every_field_there_or_not(kind: str) -> None:
    chance = Random(7)  # noqa: S311  # repeatable, not secret
    raws = [written(arbitrary_json(kind, chance), number) for number in range(120)]
    raws = [raw if number % 2 else raw.replace(b"0", b"00", 1) for number, raw in enumerate(raws)]
    accepted = sum(not hasattr(judge(raw, SITE), "rule") for raw in raws)
    assert both_of(raws) > accepted / 3 > 5  # the others have a number in exponents


@pytest.mark.parametrize("value", one_of_each(), ids=KINDS)
def test_an_event_with_bytes_exchanged(value: bytes) -> None:
    @settings(max_examples=6, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
    @given(st.data())
    def check(draw: st.DataObject) -> None:
        raws = [value]
        for _ in range(8):
            raw = value
            for _ in range(draw.draw(st.integers(1, 2))):
                start = draw.draw(st.integers(0, len(raw)))
                end = draw.draw(st.integers(start, min(len(raw), start + 8)))
                raw = (
                    raw[:start]
                    + draw.draw(st.sampled_from([*PIECES, b"", b"0", b"-", b"9", b"n", b'"x":1,']))
                    + raw[end:]
                )
            raws.append(raw)
        assert both_of(raws) >= 1

    check()


NUMBERS = [
    *("0", "-0", "0.0", "-0.0", "-0.5", "7", "10", "100", "187.50", "1e2", "1E-3", "1.0e+2", "0.000001", "0.0000010"),
    *("0.0000001", "-0.00000012", "0.000000000001", "0.0000000000001", "01", "-01", "+1", ".5", "5.", "1_000", "-"),
    *("1234567890123456", "12345678901234567", "9999999999999999.999999999999", "1.1234567890123", "1e15", "1e16"),
    *("NaN", "Infinity", "-Infinity", "null", "true", '"7"', '"7.50"', '" 7"', '"7,5"', '"<7"', '""', "[7]", "{}"),
    *("9" * 400, "1" + "0" * 5000, "1e999999999", "\u0661", '"\u0661"', "7 ", " 7", "7\n", "\t7"),
]


@pytest.mark.parametrize("field", ["weight_g", "length_cm"])
def test_numbers_however_they_are_spelled(field: str) -> None:
    value = event("growth", data={field: 424242})
    raws = [value.replace(b"424242", number.encode()) for number in NUMBERS]
    assert both_of(raws) >= 18


@pytest.mark.parametrize(
    "number", ["0", "20", "45", "46", "19", "-1", "-0", "38.0", "3e1", "999999999999", "038", "null"]
)
def test_whole_numbers_within_their_bounds(number: str) -> None:
    value = event("enrolment", data={"gestation_weeks": 424242})
    assert both_of([event("enrolment"), value.replace(b"424242", number.encode())]) >= 1


DATES = [
    *(
        "2026-03",
        "2026-13",
        "2026-00",
        "2026-02-28",
        "2026-02-29",
        "2024-02-29",
        "1900-02-29",
        "2000-02-29",
        "0999-01-01",
    ),
    *(
        "1000-01-01",
        "2999-12-31",
        "3000-01-01",
        "2026-3-1",
        "2026-03-32",
        "2026-03-14T",
        "2026-03-14T09",
        "2026-03-14T09:30",
    ),
    *("2026-03-14T09:30Z", "2026-03-14T09:30z", "2026-03-14t09:30Z", "2026-03-14 09:30Z", "2026-03-14T24:00Z"),
    *("2026-03-14T23:59+14:00", "2026-03-14T00:00-11:00", "2026-03-14T00:00+23:59", "2026-03-14T00:00+24:00"),
    *("2026-03-14T00:00+05:60", "2026-03-14T09:60Z", "2026-03-14T09:30:60Z", "2026-03-14T09:30:59.5Z"),
    *("2026-03-14T09:30:59.123Z", "2026-03-14T09:30:59.123456+05:30", "2026-03-14T09:30:59.1234567Z"),
    *("1970-01-01T00:00Z", "1969-12-31T23:59Z", "1000-01-01T00:00+10:00", "2999-12-31T23:59-10:00"),
    *(
        "2026-03-14T09:30:15+0530",
        "2026-03-14T09:30 05:30",
        "2026-03-14T09:30,05:30",
        "\u0662\u0660\u0662\u0666-03",
        "",
    ),
    *("2026-03-29T00:59Z", "2026-03-29T01:00Z", "2026-10-25T00:59:59Z", "2026-10-25T01:00Z", "2026-03-28T23:30Z"),
    *("1972-01-07T00:44Z", "1972-01-07T00:45Z", "2011-12-30T09:59Z", "2011-12-30T10:00Z", "1883-11-18T17:00Z"),
]


@pytest.mark.parametrize(
    "zone", ["Asia/Kolkata", "Europe/Berlin", "Africa/Monrovia", "Pacific/Apia", "America/New_York"]
)
def test_dates_and_times_in_any_zone(zone: str) -> None:
    site = Site(id="BLR01", name="A laboratory", country="IN", time_zone=zone)
    raws = [event("lab_result", data={"collected": text, "resulted": "2026-03-14"}) for text in DATES]
    raws += [event("enrolment", data={"birth": text}) for text in DATES]
    assert both_of(raws, site) >= 30


TIMES = [
    *("2026-03-14T09:30:00Z", "2026-03-14T09:30:00+05:30", "2026-03-14T09:30:00.123Z", "2026-03-14T09:30:00.123456Z"),
    *("2026-03-14T09:30:00.1Z", "2026-03-14T09:30:00.1234567Z", "2026-03-14t09:30:00z", "2026-03-14 09:30:00Z"),
    *("2026-03-14T09:30:00", "2026-03-14T09:30Z", "2026-03-14", "2026-02-30T09:30:00Z", "2026-03-14T23:59:60Z"),
    *(
        "1970-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "1971-06-01T00:00:00Z",
        "2999-12-31T23:59:59Z",
        "0001-01-01T00:00:00Z",
    ),
    # The broker's time is 2026-11-18T11:06:40.123Z.
    *("2026-11-18T11:16:40Z", "2026-11-18T11:16:40.123Z", "2026-11-18T11:16:40.124Z", "2026-11-18T16:46:41+05:30"),
]


def test_the_time_of_an_event_and_how_far_it_is_ahead() -> None:
    assert both_of(event("dose", time=text) for text in TIMES) >= 8


CODES = [
    "x",
    "X" * 64,
    "X" * 65,
    "X" * 256,
    "X" * 257,
    "",
    " x",
    "x ",
    "x y",
    "\u00a0x\u2003",
    "\u00e4",
    "\x7f",
    "a\x7fb",
    "\u0000",
    "x\n",
]
CODES += [
    "\u00e9" * 128,
    "\u00e9" * 200,
    "\u00e9" * 257,
    "\U0001f600",
    "\ud7ff",
    "a\\b",
    'a"b',
    "../x",
    "S-1.2_3",
    "null",
]


@pytest.mark.parametrize(
    "place", ["id", "record", "subject", "mother", "scan", "target_record", "local_name", "traceparent"]
)
def test_identifiers_of_any_characters(place: str) -> None:
    kinds = {"mother": "enrolment", "scan": "imaging", "target_record": "retraction"}
    in_data = place in kinds or place == "local_name"
    raws = [
        event(kinds.get(place, "lab_result"), **({"data": {place: text}} if in_data else {place: text}))
        for text in CODES
    ]
    raws += [raw.replace(b"\\", b"") for raw in raws]
    raws += [raw.replace("\u00e9".encode(), b"\xe9") for raw in raws]
    raws += [raw.replace("\u00e4".encode(), b"\xed\xa0\x80") for raw in raws]
    raws += [raw.replace("\u00e9".encode(), b"\x01") for raw in raws]
    assert both_of(raws) >= 3


def test_every_identifier_takes_what_is_looked_at_no_closer() -> None:
    patterns = {limits(EnrolmentEvent)[name].pattern or "" for name in ("id", "record", "subject")}
    for struct in DATA.values():
        hashed = [name for name, shape in shapes(struct).items() if shape in ("mother", "scan", "record")]
        patterns |= {limits(struct)[name].pattern or "" for name in hashed}
    assert len(patterns) > 1
    for pattern in patterns:
        for character in PLAIN_CHARACTERS:
            for length in (1, 2, PLAIN_LENGTH):
                assert re.search(pattern, character * length)


def test_ids_and_records_may_be_of_any_text_which_is_what_the_scanner_lets_pass() -> None:
    free = {limits(EnrolmentEvent)[name].pattern for name in ("id", "record")}
    for struct in DATA.values():
        free |= {limits(struct)[name].pattern for name, shape in shapes(struct).items() if shape == "record"}
    assert free == {r"^[^\x00-\x20\x7f]([^\x00-\x1f\x7f]{0,254}[^\x00-\x20\x7f])?\Z"}


def test_a_record_that_is_the_id_says_what_no_record_says() -> None:
    assert both_of(event("growth", id=name, record=name) for name in ("7", "8", "\u00e9")) == 3
    assert both_of(event("growth", id=name, record="7") for name in ("7", "8")) == 2


def test_what_is_no_event_or_says_it_twice() -> None:
    good = event("lab_result")
    bad = [
        *(None, b"", b"null", b"[]", b"{}", b" ", b'"', b'""', b"\xff", b"\0", b"{" * 40, b"[" * 100_000),
        *(
            good + good,
            good + b" {}",
            b"\xef\xbb\xbf" + good,
            good + b" " * 70_000,
            b"[" + good + b"]",
            good[:-1],
            good[1:],
        ),
        good.replace(b'"id"', b'"id":"other","id"'),
        good.replace(b'"value"', b'"value":1,"value"'),
        good.replace(b'"data"', b'"data":{},"data"'),
        good.replace(b'"data"', b'"a":{"data":{"value":1}},"data"'),
        good.replace(b'"data"', b'"a":[{"value":1},"\\u00e9"],"data.value":"x","data"'),
        good.replace(b'"data"', b'"":"","data"'),
        good.replace(b'"unit"', b'"\\u0075nit"'),
        good.replace(b'"reference_low":211', b'"reference_low":211,"surname":"x"'),
        good.replace(b"lab_result", b"dose"),
        good.replace(b"BLR01", b"DEL01"),
        good.replace(b'"1.0"', b'"0.3"'),
        good.replace(b"pg/mL", b"pg/dL"),
        good.replace(b'"infant"', b"null"),
        good.replace(b":", b" :\n\t"),
        good.replace(b",", b", ,"),
        good.replace(b"{", b"{ ").replace(b"}", b"\r\n}"),
    ]
    assert both_of([value for pair in zip([good] * len(bad), bad, strict=True) for value in pair]) >= len(bad)
    for first in bad:  # whatever a block begins with
        assert both_of([first, good, first, good]) >= 2


def test_an_event_that_is_just_too_large_or_just_not() -> None:
    good = event("lab_result", id="e" * 50)
    assert both_of(good + b" " * (size - len(good)) for size in range(MAX_BYTES - 2, MAX_BYTES + 3)) == 3


def test_keys_that_changed_places_under_the_same_lengths() -> None:
    """What looks laid out alike is only so when the same field stands in the same blank."""
    good = event("enrolment", id="a", subject="a", data={"diagnosed": "2026-03-14", "enrolled": "2026-03-15"})
    swapped = good.replace(b'"limit_low"', b'"limit_xow"').replace(b'"id":"a"', b'"ix":"a"')
    both_of([good, swapped, good.replace(b"diagnosed", b"dXagnosed"), good.replace(b"enrolled", b"enrolleX")])


def test_headers_of_cloudevents_go_to_the_judge() -> None:
    values = [event(id=f"e-{number}") for number in range(4)]
    headers: list[list[tuple[str, bytes]]] = [[], [("ce_id", b"1")], [("trace", b"x")], []]
    assert both([record(*found) for found in zip(range(4), values, headers, strict=True)]) == 2


def test_few_events_are_not_worth_a_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick, "LEAST", 8)
    monkeypatch.setattr(compiled, "LEAST", 8)
    assert both_of(event(id=f"e-{number}") for number in range(7)) == 0
    assert both_of(event(id=f"e-{number}") for number in range(8)) == 8


def test_a_form_that_was_learned_is_known_in_the_next_fetch_until_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(compiled, "LEAST_UNKNOWN", 2)
    quickly = compiled.Compiled()

    def left(*values: bytes, site: Site = SITE) -> int:
        return len(quickly.accept(Batch(site, KEY, "u-1", 0), site, [record(*found) for found in enumerate(values)]))

    assert left(event(id="1")) == 1
    assert left(event(id="1"), event(id="2")) == 0
    assert left(event(id="3")) == 0
    assert left(event(id="3"), site=structs.replace(SITE, lab_codes=("OTHER",))) == 1  # it may keep other columns
    assert left(event(id="1"), event(id="2")) == 0
    monkeypatch.setattr(compiled, "MOST_FORMS", 0)
    assert left(event(id="3")) == 1


def test_more_forms_than_a_sample_are_learned_from_one_fetch() -> None:
    signs = sorted(codes.closed_list("signs"))
    assert len(signs) > 8
    values = [event("symptom", id=f"{sign}-{number}", data={"code": sign}) for sign in signs for number in range(9)]
    assert both_of(values) == len(values)


def test_rows_of_a_form_have_one_chunk_a_column() -> None:
    batch = Batch(SITE, KEY, "u-1", 0)
    accept(batch, SITE, [record(number, event(id=f"e-{number}")) for number in range(3)])
    [ready] = batch.ready
    assert isinstance(ready.table, pa.Table)
    assert {column.num_chunks for column in ready.table.columns} == {1}
