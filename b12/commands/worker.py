"""`b12 worker` and `b12 alert-webhook`: processes of the platform, in the foreground."""

import typer


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(worker)
    app.command()(alert_webhook)


def worker() -> None:
    """Take deliveries from Kafka into the lake until stopped. `b12 up` keeps as many as B12_WORKERS running."""
    from lake.home import Home
    from streams.process import run

    run(Home.from_env())


def alert_webhook() -> None:
    """Post every alert to B12_ALERT_WEBHOOK_URL until stopped. `b12 up` keeps it running where that is set."""
    from lake.home import Home
    from streams.alert_webhook_process import run

    run(Home.from_env())
