"""`b12 worker`: one worker process, in the foreground."""

import typer


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(worker)


def worker() -> None:
    """Take deliveries from Kafka into the lake until stopped. `b12 up` keeps as many as B12_WORKERS running."""
    from lake.home import Home
    from streams.process import run

    run(Home.from_env())
