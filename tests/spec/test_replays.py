"""What a replay does to verdicts: a delivery and its replays are one event, and one of them stands for it."""

from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import given as over
from hypothesis import strategies as st

from contracts.site import Site
from lake.origins import NO_SITE
from lake.snapshot import snapshot
from registry import invariants
from registry.inputs import Inputs, pinned
from registry.models import needed_for
from tests.lake_fixture import REPLAY_UUID, Replay, record, record_replays
from tests.registry_fixture import BLR01, CUT_OFF, OSL01, built, given
from tests.sample_events import event

ENROLLED = event("enrolment", id="enrolment")
RESULT = event(id="result", record="result")
BROKEN = b"not json"

MODELS = ["staging.verdicts", "summary.attrition", "summary.scorecard", "core.subjects", "staging.births"]


def told(directory: Path, deliveries: dict[Site, list[Any]], replays: list[Replay], **held: Any) -> dict[str, str]:
    """Each delivery's verdict: `BLR01/0` by offset, `BLR01*0` for a replay by its offset in the replay topic."""
    lake = given(directory, deliveries, replays=replays, **held)
    with built(directory, lake, ["staging.verdicts"], ruled=False) as connection:
        rows = connection.execute("""
            SELECT d.site, d.topic_uuid LIKE '6f1e4a5c%', d."offset", v.verdict, v.reason
            FROM staging.deliveries AS d JOIN staging.verdicts AS v ON d.delivery = v.delivery
        """).fetchall()
    assert all(reason == "judged_again" for *_, verdict, reason in rows if verdict == "replayed")
    return {f"{site}{'*' if is_replay else '/'}{offset}": verdict for site, is_replay, offset, verdict, _ in rows}


def test_a_refused_delivery_that_is_accepted_by_its_replay_is_replayed(tmp_path):
    deliveries = {BLR01: [ENROLLED, BROKEN]}
    assert told(tmp_path, deliveries, [(BLR01, 1, RESULT)]) == {
        "BLR01/0": "included",
        "BLR01/1": "replayed",
        "BLR01*0": "included",
    }


def test_a_replay_that_is_refused_again_takes_the_place_of_the_one_before(tmp_path):
    replays = [(BLR01, 1, BROKEN), (BLR01, 1, b"{}")]
    lake = given(tmp_path, {BLR01: [ENROLLED, BROKEN]}, replays=replays)
    with built(tmp_path, lake, ["staging.verdicts"]) as connection:
        rows = connection.execute("SELECT verdict, reason FROM staging.verdicts ORDER BY ALL").fetchall()
    assert rows == [
        ("included", None),
        ("refused", "field_missing"),
        ("replayed", "judged_again"),
        ("replayed", "judged_again"),
    ]


def test_a_repeated_replay_doubles_nothing(tmp_path):
    verdicts = told(tmp_path, {BLR01: [ENROLLED, BROKEN]}, [(BLR01, 1, RESULT)] * 4)
    assert Counter(verdicts.values()) == {"included": 2, "replayed": 4}
    assert verdicts["BLR01*3"] == "included", "the newest stands for all"


def test_a_repeated_replay_that_is_refused_takes_nothing_back(tmp_path):
    """As when the second is judged by a worker of an older version."""
    for replays in ([(BLR01, 1, RESULT), (BLR01, 1, BROKEN)], [(BLR01, 1, BROKEN), (BLR01, 1, RESULT)]):
        verdicts = told(tmp_path, {BLR01: [ENROLLED, BROKEN]}, replays)
        assert Counter(verdicts.values()) == {"included": 2, "replayed": 2}


def test_what_the_site_sent_again_meanwhile_is_one_event_with_the_replay(tmp_path):
    verdicts = told(tmp_path, {BLR01: [ENROLLED, BROKEN, RESULT]}, [(BLR01, 1, RESULT)])
    assert Counter(verdicts.values()) == {"included": 2, "duplicate": 1, "replayed": 1}


def test_what_the_site_corrected_meanwhile_supersedes_the_replay(tmp_path):
    corrected = event(id="better", record="result", time="2026-11-20T00:00:00Z")
    verdicts = told(tmp_path, {BLR01: [ENROLLED, BROKEN, corrected]}, [(BLR01, 1, RESULT)])
    assert (verdicts["BLR01/2"], verdicts["BLR01*0"]) == ("included", "superseded")


def test_a_replayed_enrolment_lets_others_in_once(tmp_path):
    lake = given(tmp_path, {BLR01: [BROKEN, RESULT]}, replays=[(BLR01, 0, ENROLLED)] * 2)
    with built(tmp_path, lake, MODELS) as connection:
        assert connection.execute("SELECT count(*) FROM staging.births").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM core.subjects").fetchone() == (1,)
        verdicts = connection.execute("SELECT verdict FROM staging.verdicts").fetchall()
    assert Counter(verdict for (verdict,) in verdicts) == {"included": 2, "replayed": 2}


def test_a_replay_is_of_its_own_site_alone(tmp_path):
    verdicts = told(
        tmp_path,
        {BLR01: [ENROLLED, BROKEN], OSL01: [event("enrolment", "OSL01", id="e"), BROKEN]},
        [(OSL01, 1, event(site="OSL01", id="r"))],
    )
    assert verdicts["BLR01/1"] == "refused"
    assert (verdicts["OSL01/1"], verdicts["OSL01*0"]) == ("replayed", "included")


def test_a_replay_whose_origin_is_not_in_the_lake_stands_for_itself(tmp_path):
    assert told(tmp_path, {BLR01: [ENROLLED]}, [(BLR01, 77, RESULT)])["BLR01*0"] == "included"


def test_a_site_that_is_held_does_not_get_its_replays_early(tmp_path):
    deliveries = {BLR01: [ENROLLED, BROKEN, BROKEN], OSL01: [event("enrolment", "OSL01", id="e"), BROKEN]}
    replays = [(BLR01, 1, RESULT), (OSL01, 1, event(site="OSL01", id="r")), (BLR01, 1, RESULT), (BLR01, 2, RESULT)]
    held = told(tmp_path, deliveries, replays, held_at={"BLR01": 2}, replays_held_at={"BLR01": 1})
    assert held == {
        "BLR01/0": "included",
        "BLR01/1": "replayed",
        "BLR01*0": "included",
        "OSL01/0": "included",
        "OSL01/1": "replayed",
        "OSL01*1": "included",
    }
    without = told(tmp_path, deliveries, replays, held_at={"BLR01": 2}, replays_held_at={"BLR01": 0})
    assert without["BLR01/1"] == "refused"
    assert not any(name.startswith("BLR01*") for name in without)


def test_a_withdrawal_that_is_replayed_is_heard_though_its_site_is_held(tmp_path):
    withdrawn = event("consent", id="w", data={"status": "withdrawn", "scopes": ["sharing"]})
    held = told(tmp_path, {BLR01: [ENROLLED, BROKEN]}, [(BLR01, 1, withdrawn)], replays_held_at={"BLR01": 0})
    assert held["BLR01/0"] == "withdrawn"


def test_attrition_counts_what_no_site_can_be_told_for_and_no_subject_twice(tmp_path):
    refused = event(id="x", subject="S-77", data={"value": "7 units"})
    lake = given(tmp_path, {BLR01: [ENROLLED, refused]}, replays=[(BLR01, 1, refused), (BLR01, None, RESULT)])
    with built(tmp_path, lake, MODELS) as connection:
        rows = connection.execute("""
            SELECT DISTINCT step, part, site, n FROM summary.attrition
            WHERE n > 0 AND step IN ('received', 'verdict', 'reported')
        """).fetchall()
    found = {(step, part, site): n for step, part, site, n in rows}
    assert found[("received", "", "all")] == 4
    assert found[("received", "", "BLR01")] == 3
    assert found[("received", "", NO_SITE)] == found[("verdict", "refused", NO_SITE)] == 1
    assert found[("reported", "", "BLR01")] == 1, "a subject of which nothing was ever accepted is not reported"


def test_the_day_of_arrival_is_that_of_the_first_delivery(tmp_path):
    """The last replay comes eight hours later, which at the site is another day."""
    result = event(id="r", time="2026-11-22T11:00:00Z", data={"collected": "2026-11-22", "resulted": None})
    days = []
    for deliveries, replays in (
        ([ENROLLED, result], []),
        ([ENROLLED, BROKEN], [(BLR01, 1, result)] * 8),
    ):
        lake = given(tmp_path, {BLR01: deliveries}, replays=replays)
        with built(tmp_path, lake, MODELS) as connection:
            days += connection.execute("SELECT median_days_to_arrival FROM summary.scorecard").fetchall()
    assert days == [(0,), (0,)]


SITES = [
    Site(id=f"ANY{number}", name="A laboratory", country="IN", time_zone="Asia/Kolkata", synthetic=True)
    for number in range(12)
]
histories = st.lists(
    st.tuples(st.sampled_from(["a", "b", "enrolment"]), st.booleans(), st.lists(st.booleans(), max_size=3)), max_size=5
)
"""What a delivery says, whether the door's rules of its day let it in, and those of each of its replays' days."""


def raw(site: Site, what: str, *, passes: bool) -> bytes:
    kind = "enrolment" if what == "enrolment" else "lab_result"
    return event(kind, site.id, id=what, record=what) if passes else BROKEN


@settings(
    max_examples=2,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@over(st.tuples(*[histories] * len(SITES)), st.randoms(use_true_random=False))
def test_in_any_order_the_same_verdicts_and_every_delivery_counted(tmp_path_factory, histories, dice):
    directory = tmp_path_factory.mktemp("replays")
    found = []
    for turn in range(2):
        deliveries = {}
        replays: list[Replay] = []
        for site, history in zip(SITES, histories, strict=True):
            arrived = list(history)
            if turn:
                dice.shuffle(arrived)
            deliveries[site] = [raw(site, said, passes=passes) for said, passes, _ in arrived]
            replays += [
                (site, offset, raw(site, said, passes=passes))
                for offset, (said, _, repeats) in enumerate(arrived)
                for passes in repeats
            ]
        if turn:
            dice.shuffle(replays)
        replays.insert(dice.randrange(len(replays) + 1), (SITES[0], None, b""))
        found.append(judged(directory, deliveries, replays))
    assert found[0] == found[1]


def judged(directory: Path, deliveries: dict[Site, list[bytes]], replays: list[Replay]) -> Counter[tuple[str, ...]]:
    """How many deliveries of each site have each verdict, after a build whose invariants all hold."""
    lake = given(directory, deliveries, replays=replays)
    models = needed_for(["staging.verdicts", "core.subjects"])
    with built(directory, lake, [model.name for model in models], ruled=False) as connection:
        broken = [outcome for outcome in invariants._outcomes(connection, models) if not outcome.holds]
        rows = connection.execute("SELECT site, verdict FROM staging.verdicts").fetchall()
        chains = connection.execute("""
            SELECT coalesce(d.origin_topic_uuid, d.topic_uuid) AS topic, coalesce(d.origin_offset, d."offset") AS o
            FROM staging.deliveries AS d JOIN staging.verdicts AS v ON d.delivery = v.delivery
            WHERE v.verdict <> 'replayed' AND d.site <> 'b12'
            GROUP BY ALL HAVING count(*) > 1
        """).fetchall()
    assert broken == []
    assert chains == [], "one delivery stands for an event and its replays"
    return Counter(rows)


def test_a_build_of_the_lake_reads_each_sites_replays_up_to_its_own_bounds(home):
    """The lake counts replays by site; a held site keeps the counts of its last good release."""
    home.ensure_secret()
    for site in (BLR01, OSL01):
        home.put_site(site)
        record(home, site, [event("enrolment", site.id, id="e"), BROKEN])
    record_replays(home, [(BLR01, 1, BROKEN), (BLR01, None, b"")])
    before = pinned(home, snapshot(home), CUT_OFF)
    assert replays_of(before) == {"BLR01": (2, 1), NO_SITE: (2, 1)}

    record_replays(home, [(OSL01, 1, RESULT), (BLR01, 1, RESULT)])
    last_good = [bound for bound in before.bounds if bound.site == "BLR01"]
    held = pinned(home, snapshot(home), CUT_OFF, {"BLR01": last_good})
    assert replays_of(held) == {"BLR01": (2, 1), "OSL01": (4, 1), NO_SITE: (4, 1)}
    assert held.waiting == {"BLR01": 1}
    left_out = pinned(home, snapshot(home), CUT_OFF, {"OSL01": ()})
    assert replays_of(left_out) == {"BLR01": (4, 2), NO_SITE: (4, 1)}
    assert left_out.waiting == {"OSL01": 3}


def replays_of(lake: Inputs) -> dict[str, tuple[int, int]]:
    """Next offset and count of the replay topic, by site."""
    bounds = [bound for bound in lake.bounds if bound.topic_uuid == REPLAY_UUID]
    return {bound.site: (bound.next_offset, bound.received) for bound in bounds}
