"""`make bench`: every measurement beside its peer. Run it on a machine that does nothing else."""

import argparse
from collections.abc import Callable

from bench import alerting, flood, intake, judging, latency, layout, levels, months, pushing, recording, zero_effect

_Measure = Callable[[int, int], list[str]]
_MEASURES: dict[str, _Measure] = {
    "judging": lambda _events, _runs: [judging.measure().line()],
    "recording": lambda _events, _runs: [recording.measure().line()],
    "intake": intake.measure,
    "latency": lambda _events, _runs: latency.measure(),
    "alerting": lambda _events, _runs: alerting.measure(),
    "flood": lambda events, _runs: flood.measure(events),
    "pushing": pushing.measure,
    "layout": lambda _events, _runs: layout.measure(),
    "levels": lambda registries, _runs: levels.measure(registries),
    "zero-effect": lambda infants, _runs: zero_effect.measure(infants),
    "months": lambda commits, _runs: months.measure(commits),
}
_EVENTS = {"intake": 600_000, "flood": 2_000_000, "pushing": 20_000, "levels": 200, "zero-effect": 500, "months": 5_000}
"""Of each measurement, unless the command line says how many."""
_INSTEAD = "of months, its commits; of zero-effect, its infants; of levels, its registries"


def main() -> None:
    """Print the tables, in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", choices=_MEASURES, help="one measurement")
    parser.add_argument("--events", type=int, help=f"on the topic or in the file of each; {_INSTEAD}")
    parser.add_argument("--runs", type=int, default=5, help="of each contender")
    chosen = parser.parse_args()
    for name, measure in _MEASURES.items():
        if chosen.only in (None, name):
            lines = measure(chosen.events or _EVENTS.get(name, 0), chosen.runs)
            print(f"## {name}\n", *lines, "", sep="\n", flush=True)


main()
