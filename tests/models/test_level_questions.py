"""A unit slip at one site of five: asked in a receipt after a release, answered or mended, shown by `b12 quality`."""

import shutil
from math import exp
from pathlib import Path

import msgspec
import pytest

from contracts.site import Site
from contracts.verdict_receipts import ChangedVerdict, VerdictReceipt
from lake.home import Home
from pipelines.verdict_receipts import messages
from registry import manifest, quality, release
from registry.models import needed_for
from registry.verdicts import changes, mark_told
from tests.registry_fixture import given, without_rules
from tests.sample_events import event

MODELS = without_rules(needed_for(["staging.questions", "core.subjects"]))
SITES = [
    Site(id=f"{name}01", name=name, country="IN", time_zone="UTC", synthetic=True)
    for name in ("AA", "BB", "CC", "DD", "EE")
]
ONE = SITES[2]
INFANTS = 32
RULE = "b12_level_pg_per_ml_as_pmol_per_l"
BARE = dict.fromkeys(("reference_low", "reference_high", "limit_low", "limit_high"))


def said(site: Site, factor: float = 1, time: str = "2026-03-18T00:00:00Z") -> list[bytes]:
    """The site's B12: spread about a level that all sites share, times a factor."""
    found = []
    for infant in range(INFANTS):
        value = f"{200 * factor * exp(0.4 * (infant / (INFANTS - 1) - 0.5)):.1f}"
        data = {"loinc": "14685-2", "unit": "pmol/L", "value": float(value), **BARE}
        name = f"{infant}"
        found.append(event("lab_result", site.id, id=f"{name}-{time}", record=name, subject=name, time=time, data=data))
    return found


def enrolled(site: Site) -> list[bytes]:
    return [
        event("enrolment", site.id, id=f"e{infant}", record=f"e{infant}", subject=f"{infant}")
        for infant in range(INFANTS)
    ]


def confirmation() -> bytes:
    data = {"target_kind": "lab_result", "target_record": "5", "rule": RULE, "reason": "assay_verified"}
    data |= {"until": "2026-12-31"}
    return event("confirmation", ONE.id, id="c", record="c", subject="5", time="2026-03-20T00:00:00Z", data=data)


def released(home: Home, directory: Path, factor: float, *more: bytes) -> list[ChangedVerdict]:
    """Publish, and what the site in doubt is then told; every other site is told nothing."""
    lake = {site: [*enrolled(site), *said(site, factor if site is ONE else 1)] for site in SITES}
    lake[ONE] += more
    made = release.make(home, given(directory, lake), models=MODELS, threads=1)
    suites = ({"check": "staging.verdicts: x", "category": "plausibility", "site": ONE.id, "outcome": "pass"},)
    told = msgspec.structs.replace(made.manifest, suites=suites)
    made.file.with_suffix(".json").write_bytes(manifest.encoded(told))
    found = list(changes(home.operators))
    assert {change.site for change in found} <= {ONE.id}
    receipts = [msgspec.json.decode(value, type=VerdictReceipt) for value in messages(ONE, found)]
    mark_told(home)
    return [verdict for receipt in receipts for verdict in receipt.data.verdicts]


def counted(home: Home) -> list[tuple[str, str, int, int]]:
    return [(each.site, each.rule, each.open, each.confirmed) for each in quality.read(home).found]


@pytest.fixture(scope="module")
def slipped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, ChangedVerdict]:
    """A release in which one site's unit slips, to be copied by `asked`, and the one question of it."""
    home = Home(tmp_path_factory.mktemp("slipped") / "home")
    home.make()
    [told] = released(home, home.path.parent, 1.35537)
    return home, told


@pytest.fixture
def asked(slipped: tuple[Home, ChangedVerdict], home: Home) -> ChangedVerdict:
    shutil.copytree(slipped[0].path, home.path, dirs_exist_ok=True)
    return slipped[1]


def test_a_site_whose_unit_slips_is_asked_once_with_the_factor_and_without_a_value(
    home: Home, asked: ChangedVerdict
) -> None:
    [question] = asked.questions
    assert (asked.kind, asked.verdict, question.rule, question.field) == ("lab_result", "included", RULE, "unit")
    assert "B12 stands a factor 1.355 too high, as if pg/mL were sent as pmol/L" in question.fix
    assert counted(home) == [(ONE.id, RULE, 1, 0)]
    page = quality.read(home).html()
    assert "a factor 1.355 above" in page
    assert not [each for each in ("221.9", "163.7", "2026-03-14") if each in page]


def test_a_confirmation_closes_it(home: Home, asked: ChangedVerdict, tmp_path: Path) -> None:
    [closed] = released(home, tmp_path, 1.35537, confirmation())
    assert (closed.offset, closed.verdict, closed.questions) == (asked.offset, "included", ())
    assert counted(home) == [(ONE.id, RULE, 0, 1)]


def test_corrections_close_it(home: Home, asked: ChangedVerdict, tmp_path: Path) -> None:
    mended = said(ONE, time="2026-03-19T00:00:00Z")
    told = released(home, tmp_path, 1.35537, *mended)
    assert [(each.verdict, each.questions) for each in told] == [("superseded", ())] * INFANTS
    assert asked.offset in {each.offset for each in told}
    assert counted(home) == []


def test_sites_alike_are_asked_nothing(home: Home, tmp_path: Path) -> None:
    assert released(home, tmp_path, 1) == []
    assert counted(home) == []
