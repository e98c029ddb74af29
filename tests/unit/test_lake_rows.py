"""What the lake keeps of a delivery, and what it does not."""

from array import array
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from contracts.content import canonical
from contracts.events import KINDS
from contracts.judge import judge
from contracts.pseudonyms import content_digest, halves, pseudonym, site_key
from contracts.site import Site
from lake.judgements import of_batch
from lake.rows import Batch, tables
from lake.schema import REFUSED, schema
from lake.table import Lake
from tests.lake_fixture import record, topic_uuid_of
from tests.sample_events import event, one_of_each

SITE = Site(
    id="BLR01", name="A laboratory", country="IN", time_zone="Asia/Kolkata", synthetic=True, lab_codes=("B12-SER",)
)
KEY = site_key(b"s" * 32, "BLR01")


def rows_of(*values: bytes | None) -> dict[str, list[dict]]:
    batch = Batch(SITE, KEY, "u-1", 1)
    for offset, value in enumerate(values, 40):
        batch.offsets.append(offset)
        batch.received_ms.append(1_795_000_000_123)
        batch.sizes.append(None if value is None else len(value))
        batch.judged.append(judge(value, SITE))
    return {kind: table.to_pylist() for kind, table in tables(batch).items()}


def row_of(kind: str, **changes) -> dict:
    found = rows_of(event(kind, **changes))
    assert list(found) == [kind], found
    return found[kind][0]


def key(role, value) -> dict[str, int]:
    high, low = halves(pseudonym(KEY, role, value))
    return {"hi": high, "lo": low}


def kept(row, name) -> dict[str, int]:
    return {"hi": row[f"{name}_hi"], "lo": row[f"{name}_lo"]}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_exactly_its_columns(kind):
    (table,) = tables_of(event(kind)).values()
    assert table.schema.equals(schema(kind), check_metadata=True)


def tables_of(value):
    batch = Batch(SITE, KEY, "u-1", 0, [0], [1_795_000_000_000], [len(value)], [judge(value, SITE)])
    return tables(batch)


def test_where_and_when_a_delivery_came_is_kept():
    row = row_of("lab_result")
    assert (row["site"], row["topic_uuid"], row["partition"], row["offset"]) == ("BLR01", "u-1", 1, 40)
    assert row["received_at"] == datetime.fromtimestamp(1_795_000_000.123, UTC)
    assert row["contract"] == "1"


def test_the_events_time_is_kept_in_utc():
    assert row_of("dose", time="2026-03-15T10:00:00+05:30")["event_time"] == datetime(2026, 3, 15, 4, 30, tzinfo=UTC)


def test_identifiers_are_kept_as_pseudonyms_each_in_its_role():
    row = row_of("enrolment", id="17", subject="17", record="17", data={"mother": "17"})
    assert kept(row, "id") == key("id", "17")
    assert kept(row, "subject") == key("subject", "17")
    assert kept(row, "record") == key("record", "17")
    assert kept(row, "mother") == key("mother", "17")
    assert len({row["id_hi"], row["subject_hi"], row["record_hi"], row["mother_hi"]}) == 4


def test_the_record_is_the_id_when_there_is_none():
    value = event("dose", id="d-1")
    assert b'"record"' not in value
    assert kept(rows_of(value)["dose"][0], "record") == key("record", "d-1")


def test_a_retractions_target_is_the_pseudonym_that_its_target_has():
    target = row_of("dose", id="d-1")
    retraction = row_of("retraction", data={"target_kind": "dose", "target_record": "d-1"})
    assert kept(retraction, "target_record") == kept(target, "record")


def test_content_is_a_keyed_digest_of_the_canonical_statement():
    value = event("dose")
    row = rows_of(value)["dose"][0]
    assert kept(row, "content") == dict(
        zip(("hi", "lo"), halves(content_digest(KEY, canonical(judge(value, SITE)))), strict=True)
    )
    assert kept(row_of("dose", id="other", time="2026-06-01T00:00:00Z"), "content") == kept(row, "content")
    assert kept(row_of("dose", data={"ug": 1}), "content") != kept(row, "content")


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("187.50", "187.50"),
        ("1234567890123456.123456789012", "1234567890123456.123456789012"),
        ("-0.0", "-0.0"),
        ("0E+10", "0"),
        ("1E+15", "1000000000000000"),
        ("1e-12", "0.000000000001"),
        ("7", "7"),
    ],
)
def test_a_number_is_kept_exactly_and_in_plain_digits_with_the_decimals_that_were_written(written, text):
    value = event("growth", data={"weight_g": 424242}).replace(b"424242", written.encode())
    row = rows_of(value)["growth"][0]
    assert row["weight_g"] == Decimal(written)
    assert row["weight_g_text"] == text


def test_dates_are_kept_with_their_precision_in_the_sites_zone():
    row = row_of("lab_result", data={"collected": "2026-03-14T23:30Z"})
    assert row["collected_date"] == date(2026, 3, 15)
    assert row["collected_at"] == datetime(2026, 3, 14, 23, 30, tzinfo=UTC)
    assert row["collected_precision"] == "time"
    row = row_of("lab_result", data={"collected": "2026-03"})
    assert (row["collected_date"], row["collected_at"], row["collected_precision"]) == (
        date(2026, 3, 15),
        None,
        "month",
    )
    row = row_of("enrolment", data={"diagnosed": None})
    assert (row["diagnosed_date"], row["diagnosed_at"], row["diagnosed_precision"]) == (None, None, None)


def test_a_labs_own_code_is_kept_only_when_it_is_registered():
    assert row_of("lab_result", data={"local_code": "B12-SER"})["local_code"] == "B12-SER"
    assert row_of("lab_result", data={"local_code": "Smith 12"})["local_code"] is None


def test_lists_are_kept_as_lists_of_texts():
    assert row_of("imaging", data={"b_values": [0, 1000]})["b_values"] == ["0", "1000"]
    assert row_of("consent", data={"scopes": ["blood", "imaging"]})["scopes"] == ["blood", "imaging"]


def test_a_refused_delivery_keeps_what_could_be_told():
    (row,) = rows_of(event("dose", id="d-1", subject="S-1", data={"ug": [1]}))[REFUSED]
    assert (row["rule"], row["path"], row["reported_kind"]) == ("wrong_type", "$.data.ug", "dose")
    assert kept(row, "id") == key("id", "d-1")
    assert kept(row, "subject") == key("subject", "S-1")
    assert row["size_bytes"] > 100
    assert row["content_hi"] is row["record_hi"] is row["event_time"] is None


def test_a_delivery_of_which_nothing_can_be_told_is_kept_as_such():
    unreadable, nothing = rows_of(b"not json", None)[REFUSED]
    assert (unreadable["rule"], unreadable["size_bytes"]) == ("not_json", 8)
    assert (nothing["rule"], nothing["size_bytes"]) == ("no_value", None)
    assert unreadable["id_hi"] is unreadable["subject_lo"] is None


def test_every_delivery_of_a_batch_is_in_one_table_in_its_order():
    values = [*one_of_each(), b"{}", *reversed(one_of_each()), b"[]"]
    found = rows_of(*values)
    offsets = [row["offset"] for rows in found.values() for row in rows]
    assert sorted(offsets) == list(range(40, 40 + len(values)))
    assert all([row["offset"] for row in rows] == sorted(row["offset"] for row in rows) for rows in found.values())


def test_no_identifier_stands_in_a_row():
    values = [event(kind, id="CANARY-ID", subject="CANARY-S", record="CANARY-R") for kind in KINDS]
    values += [event("enrolment", data={"mother": "CANARY-M"}), event("imaging", data={"scan": "CANARY-C"})]
    values += [event("lab_result", data={"local_name": "CANARY-L"})]
    assert "CANARY" not in str(rows_of(*values))


def test_judgements_read_back_are_those_of_the_batch(home):
    home.ensure_secret()
    values = [event(id="a"), b"not json", event("dose", id="b", data={"ug": "x"}), event(id="c"), None]
    for _ in range(3):
        record(home, SITE, values)
    batch = Batch(SITE, site_key(home.secret(), "BLR01"), topic_uuid_of(SITE), 0)
    for offset, value in enumerate(values * 3):
        batch.offsets.append(offset)
        batch.received_ms.append(0)
        batch.sizes.append(None)
        batch.judged.append(judge(value, SITE))
    lake = Lake.open(home.lake, home.secret())
    whole = of_batch(batch)
    assert lake.judgements(batch.topic_uuid, 0, 0, 15) == whole
    part = lake.judgements(batch.topic_uuid, 0, 3, 11)
    assert list(part.accepted) == [offset for offset in whole.accepted if 3 <= offset < 11]
    assert part.refused == [entry for entry in whole.refused if 3 <= entry.offset < 11]
    assert lake.judgements(batch.topic_uuid, 1, 0, 15) == lake.judgements("another", 0, 0, 15) == (array("q"), [])
