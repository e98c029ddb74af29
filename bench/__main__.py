"""`make bench`: every measurement beside its peer. Run it on a machine that does nothing else."""

import argparse

from bench import intake, judging, recording


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--events", type=int, default=300_000, help="on the topic of the intake's measurement")
    parser.add_argument("--runs", type=int, default=5, help="of each contender there")
    chosen = parser.parse_args()
    for measurement in (judging, recording):
        print(measurement.measure().line(), flush=True)
    print("\n".join(intake.measure(chosen.events, chosen.runs)))


main()
