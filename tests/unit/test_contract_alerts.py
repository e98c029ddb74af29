"""An alert is the same alert however often it is found, and says whom it is about by pseudonyms alone."""

from msgspec import convert

from contracts.alerts import Alert, AlertCount, AlertDigest, alert_id, digest_id
from contracts.fields import AlertId


def test_an_alert_has_one_id_however_often_it_is_found() -> None:
    first = alert_id("BLR01", "0" * 32, "b12_deficient")
    assert alert_id("BLR01", "0" * 32, "b12_deficient") == first
    others = {
        alert_id("OSL01", "0" * 32, "b12_deficient"),
        alert_id("BLR01", "1" * 32, "b12_deficient"),
        alert_id("BLR01", "0" * 32, "severe_anaemia"),
    }
    assert len({first, *others}) == 4


def test_an_acknowledgement_can_name_it() -> None:
    assert convert(alert_id("BLR01", "0" * 32, "b12_low"), AlertId)


def test_a_digest_has_one_id_in_whatever_order_its_alerts_were_found() -> None:
    ids = [alert_id("BLR01", f"{number:032x}", "b12_low") for number in range(5)]
    assert digest_id(ids) == digest_id(reversed(ids))
    assert digest_id(ids) != digest_id(ids[:-1])


def test_no_field_could_hold_a_value() -> None:
    fields = {*Alert.__struct_fields__, *AlertDigest.__struct_fields__, *AlertCount.__struct_fields__}
    assert fields == {
        *("site", "kind", "id_key", "subject_key", "person", "rule", "severity", "advice", "raised_at"),
        "is_escalated",
        *("from_time", "to_time", "counts", "alerts"),
    }
