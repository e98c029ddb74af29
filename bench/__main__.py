"""`make bench`: every measurement beside its peer, one row each."""

from bench import judging, recording


def main() -> None:
    """Print the table: events per second of both sides as medians of five runs, and the ratio."""
    for measurement in (judging, recording):
        print(measurement.measure().line(), flush=True)


main()
