"""`b12 explain`: a case, a near miss and an infant who is not in the release, as an analyst asks for them."""

import pytest

from b12.cli import main
from lake.home import Home
from registry import release
from tests.registry_fixture import BLR01, given, key
from tests.sample_events import event

CASE, NEAR, AWAY = "BLR-0042", "BLR-0043", "BLR-0044"


def of(subject: str, *values: str) -> list[bytes]:
    """An infant with results of B12 in pg/mL and of homocysteine in umol/L, on the day of the example."""
    found = [event("enrolment", id=f"{subject}-e", record=f"{subject}-e", subject=subject)]
    for loinc, value, unit in zip(("2132-9", "13965-9"), values, ("pg/mL", "umol/L"), strict=False):
        data = {"loinc": loinc, "value": float(value), "unit": unit, "reference_low": None, "reference_high": None}
        data |= {"limit_low": None, "limit_high": None}
        found.append(event(id=f"{subject}-{loinc}", record=f"{subject}-{loinc}", subject=subject, data=data))
    return found


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Home:
    directory = tmp_path_factory.mktemp("explaining")
    home = Home(directory / "home")
    withdrawal = {"status": "withdrawn", "scopes": ["sharing"], "effective": "2026-03-15"}
    sent = [*of(CASE, "118.5", "20"), *of(NEAR, "260", "6"), *of(AWAY, "118.5", "20")]
    sent.append(event("consent", id="w", record="w", subject=AWAY, data=withdrawal))
    release.make(home, given(directory, {BLR01: sent}), threads=1)
    return home


def explained(home: Home, capsys: pytest.CaptureFixture[str], asked: str, *more: str) -> tuple[int, str, str]:
    code = main(["--home", str(home.path), "explain", asked, *more])
    return code, *capsys.readouterr()


def test_a_case_is_explained_down_to_its_records(released: Home, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = explained(released, capsys, key(BLR01, "subject", CASE))
    record = key(BLR01, "record", f"{CASE}-2132-9")
    assert code == 0
    assert "definite by the definition default, version 1" in out
    assert (
        "At 285 days b12 was 87.430011 pmol/L (sent as 118.5 pg/mL); < 148 pmol/L is met (b12_deficient v1, cited)."
        f" [record {record}]"
    ) in out
    assert "Nearest above" not in out


def test_the_first_characters_of_a_key_are_enough(released: Home, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = explained(released, capsys, key(BLR01, "subject", NEAR)[:9].upper())
    assert "none by the definition default" in out
    assert "Missing: mma_raised is unknown and would have to be true" in out


def test_who_is_not_in_the_release_is_not_said_to_have_withdrawn(
    released: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    away = explained(released, capsys, key(BLR01, "subject", AWAY))
    never = explained(released, capsys, key(BLR01, "subject", "NOBODY"))
    assert away == never
    assert away[0] == 1
    assert "may have withdrawn; a release does not tell which" in away[2]


def test_what_is_no_key_is_refused(released: Home, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = explained(released, capsys, "' OR 1=1")
    assert (code, err) == (2, "b12: KEY: a subject_key of the release, or at least its first eight characters\n")
    assert explained(released, capsys, "00000000", "--release", "r9999-nothing")[0] == 3
