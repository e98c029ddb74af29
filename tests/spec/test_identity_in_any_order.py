"""Identity over random histories: the registry's SQL beside a plain reading of the rules, whatever the order."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from contracts.site import Site
from tests.registry_fixture import built, key
from tests.sample_events import event

SITES = [
    Site(id=f"ANY{number}", name="A laboratory", country="IN", time_zone="Asia/Kolkata", synthetic=True)
    for number in range(16)
]
START = datetime(2026, 3, 20, 8, tzinfo=UTC)


class Said(NamedTuple):
    """One delivery. Few ids, records, values and minutes, so that they meet."""

    kind: str
    id: str
    record: str
    minute: int
    value: int | str
    """Of a retraction the record that it names."""

    @property
    def content(self) -> tuple[object, ...]:
        return (self.kind, self.record, self.value)

    @property
    def about(self) -> tuple[str, int | str]:
        return ("lab_result", self.value) if self.kind == "retraction" else (self.kind, self.record)

    def raw(self, site: Site) -> bytes:
        data: dict[str, Any] = {
            "lab_result": {"value": self.value},
            "dose": {"ug": self.value},
            "retraction": {"target_kind": "lab_result", "target_record": self.value},
        }[self.kind]
        time = (START + timedelta(minutes=self.minute)).isoformat()
        return event(self.kind, site.id, id=self.id, time=time, record=self.record, data=data)


ids, records, minutes = st.sampled_from("abcd"), st.sampled_from("rs"), st.integers(0, 3)
histories = st.lists(
    st.one_of(
        st.builds(Said, st.sampled_from(["lab_result", "dose"]), ids, records, minutes, st.integers(100, 102)),
        st.builds(Said, st.just("retraction"), ids, records, minutes, records),
    ),
    max_size=10,
)


def verdicts(history: list[Said], site: Site) -> Counter[tuple[Said, str]]:
    """What the rules say, read one after the other."""
    told: Counter[tuple[Said, str]] = Counter()
    statements: dict[tuple[str, object], Said] = {}
    for said in history:
        known = statements.get((said.id, said.content))
        if known is not None:
            told[min(known, said, key=lambda each: each.minute), "duplicate"] += 1
        if known is None or said.minute > known.minute:
            statements[said.id, said.content] = said
    contents = Counter(event_id for event_id, _ in statements)

    def version(said: Said) -> tuple[int, str]:
        return said.minute, key(site, "id", said.id)

    sound = [each for each in statements.values() if each.kind == "retraction" and contents[each.id] == 1]

    def covered(said: Said) -> bool:
        return said.kind != "retraction" and any(
            each.about == said.about and version(each) > version(said) for each in sound
        )

    uncovered = Counter(each.id for each in statements.values() if not covered(each))
    standing = []
    for said in statements.values():
        if covered(said):
            told[said, "retracted"] += 1
        elif contents[said.id] > 1 and (uncovered[said.id] > 1 or said.kind == "retraction"):
            told[said, "conflict"] += 1
        elif said.kind == "retraction" and not any(
            each.kind != "retraction" and each.about == said.about for each in statements.values()
        ):
            told[said, "held"] += 1
        else:
            standing.append(said)
    for said in standing:
        newest = max((each for each in standing if each.about == said.about), key=version)
        told[said, "included" if said == newest else "superseded"] += 1
    return told


@settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # a failing history is short already
    suppress_health_check=list(HealthCheck),
)
@given(st.tuples(*[histories for _ in SITES]), st.integers(0, 2**32))
def test_the_registry_says_what_the_rules_say_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, drawn: tuple[list[Said], ...], seed: int
) -> None:
    directory = tmp_path_factory.mktemp("any-order")
    expected = Counter(
        {
            (site.id, said, verdict): count
            for site, history in zip(SITES, drawn, strict=True)
            for (said, verdict), count in verdicts(history, site).items()
        }
    )
    shuffled = tuple(Random(seed).sample(history, len(history)) for history in drawn)  # noqa: S311
    for arrived in (drawn, shuffled):
        assert told(directory, arrived) == expected


def told(directory: Path, arrived: tuple[list[Said], ...]) -> Counter[tuple[str, Said, str]]:
    """What the registry says of histories that arrived in this order."""
    deliveries = {site: [said.raw(site) for said in history] for site, history in zip(SITES, arrived, strict=True)}
    with built(directory, deliveries, ["staging.identity"]) as connection:
        rows = connection.execute("""
            SELECT d.site, d."offset", coalesce(i.verdict, 'included')
            FROM staging.deliveries AS d LEFT JOIN staging.identity AS i ON d.delivery = i.delivery
        """).fetchall()
    histories_by_site = {site.id: history for site, history in zip(SITES, arrived, strict=True)}
    return Counter((site, histories_by_site[site][offset], verdict) for site, offset, verdict in rows)
