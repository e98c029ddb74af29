"""The invariants of a release candidate: each is broken here on purpose, and each holds the release."""

from pathlib import Path

import pytest

from expectations.checks import broken_invariants
from expectations.release import Table, release_checks
from expectations.runner import Runner
from tests.small_build import TABLES, SmallBuild


@pytest.fixture
def build(tmp_path: Path) -> SmallBuild:
    build = SmallBuild(tmp_path)
    build.execute("INSERT INTO staging.sites VALUES ('BLR01', 'attested')")
    subject = build.subject()
    build.execute(f"INSERT INTO release.core.doses VALUES ('{subject}', 'BLR01', uuid(), 'infant', 90)")
    build.deliver("BLR01", 2)
    return build


def broken(build: SmallBuild) -> set[tuple[str, str]]:
    results = Runner().run(build.databases, release_checks(TABLES))
    assert not [result for result in results if result.outcome == "error"]
    return {(result.table, result.name) for result in broken_invariants(results)}


def test_a_sound_candidate_breaks_none(build: SmallBuild) -> None:
    assert broken(build) == set()


@pytest.mark.parametrize(
    ("statement", "invariant"),
    [
        ("DELETE FROM staging.verdicts WHERE delivery = 1", ("staging.verdicts", "conservation")),
        ("UPDATE staging.verdicts SET verdict = NULL WHERE delivery = 1", ("staging.verdicts", "conservation")),
        ("INSERT INTO staging.bounds VALUES ('DEL01', 3)", ("staging.verdicts", "conservation")),
        ("UPDATE staging.verdicts SET delivery = 0", ("release", "keys")),
        ("INSERT INTO release.core.doses FROM release.core.doses", ("release", "keys")),
        ("UPDATE release.core.doses SET record_key = NULL", ("release", "keys")),
        ("UPDATE release.core.doses SET subject_key = uuid()", ("core.subjects", "subjects_known")),
        ("ALTER TABLE release.core.doses ALTER age_days TYPE BIGINT", ("release", "types")),
        ("ALTER TABLE release.core.doses ALTER subject_key TYPE VARCHAR", ("release", "types")),
        (
            "INSERT INTO staging.findings BY NAME SELECT 1 AS delivery, 'quarantine' AS effect, false AS is_confirmed",
            ("staging.verdicts", "quarantine"),
        ),
        (
            "INSERT INTO release.core.subjects SELECT uuid(), 'BLR01', 'infant', false, 9, false",
            ("release", "synthetic_or_real"),
        ),
    ],
)
def test_each_invariant_is_found_broken(build: SmallBuild, statement: str, invariant: tuple[str, str]) -> None:
    build.execute(statement)
    assert broken(build) == {invariant}


@pytest.mark.parametrize("kind", ["DATE", "TIMESTAMPTZ", "STRUCT(given DATE[])"])
def test_no_column_holds_a_calendar_date(build: SmallBuild, kind: str) -> None:
    build.execute(f"ALTER TABLE release.core.doses ADD COLUMN given {kind}")
    assert broken(build) == {("release", "no_calendar"), ("release", "described")}


def test_the_dictionary_and_the_release_hold_the_same_columns(build: SmallBuild) -> None:
    described = [*TABLES, Table("core.growth", ("record_key",), ("record_key",))]
    checks = [check for check in release_checks(described) if check.name == "described"]
    (result,) = Runner().run(build.databases, checks)
    assert (result.outcome, result.failing) == ("fail", 1)


class TestConsent:
    """What families agreed to is asked of the candidate once more, by another query than the registry's."""

    def withdraw(self, build: SmallBuild, scope: str) -> None:
        build.execute(
            f"INSERT INTO staging.consents SELECT site, subject_key, '{scope}', 'withdrawn' FROM release.core.subjects"
        )

    @pytest.mark.parametrize("scope", ["blood", "sharing"])
    def test_a_withdrawn_subject_is_nowhere(self, build: SmallBuild, scope: str) -> None:
        self.withdraw(build, scope)
        assert broken(build) == {("core.subjects", "consent")}

    def test_a_withdrawn_scope_takes_only_its_own_rows(self, build: SmallBuild) -> None:
        self.withdraw(build, "imaging")
        assert broken(build) == set()
        build.execute(
            "INSERT INTO release.core.imaging SELECT subject_key, site, uuid(), 90 FROM release.core.subjects"
        )
        assert broken(build) == {("core.subjects", "consent")}

    def test_the_mothers_rows_need_the_mothers_scope(self, build: SmallBuild) -> None:
        self.withdraw(build, "mother")
        assert broken(build) == set()
        build.execute("UPDATE release.core.doses SET person = 'mother'")
        assert broken(build) == {("core.subjects", "consent")}

    def test_a_site_that_asks_each_family_needs_every_scope_given(self, build: SmallBuild) -> None:
        build.execute("UPDATE staging.sites SET consent_basis = 'per_subject'")
        assert broken(build) == {("core.subjects", "consent")}
        for scope in ("blood", "sharing"):
            build.execute(
                f"INSERT INTO staging.consents SELECT site, subject_key, '{scope}', 'given' FROM release.core.subjects"
            )
        assert broken(build) == set()
