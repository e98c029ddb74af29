"""`b12 container ...`: what the services of docker-compose.yml run. Hidden, since people run `b12 up` or compose."""

from pathlib import Path
from typing import Annotated

import typer

Service = Annotated[str, typer.Argument(help="worker, alert-webhook, dagster-code, dagster-web or dagster-daemon.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    container = typer.Typer(help="The services of docker-compose.yml.", no_args_is_help=True)
    for command in (prepare, topics, start, check):
        container.command()(command)
    app.add_typer(container, name="container", hidden=True)


def prepare(
    config: Annotated[Path, typer.Argument(help="Where the broker's container finds its properties and certificates.")],
) -> None:
    """Make the certificates and secrets, and hand the broker its own, before anything starts."""
    from b12.local import broker, dagster_home, tls
    from b12.local.ports import Ports
    from lake import settings_file
    from lake.home import Home

    home, ports = Home.from_env(), Ports.from_env()
    home.make()
    home.ensure_secret()
    tls.ensure(home.secrets, ["broker", ports.advertised])
    for name in ("broker.pem", "ca.pem"):
        settings_file.write_bytes(config / name, (home.secrets / name).read_bytes(), settings_file.SECRET)
    (config / "server.properties").write_text(broker.compose_properties(ports))
    dagster_home.write_settings(home)


def topics() -> None:
    """Make the topics that must be there before a worker starts."""
    from b12 import registration
    from lake.home import Home

    registration.restore(Home.from_env())


def start(service: Service) -> None:
    """Become the service."""
    import os

    from b12.local import dagster_home, programs
    from lake.home import Home

    if service == programs.ALERT_WEBHOOK.name and not os.environ.get("B12_ALERT_WEBHOOK_URL"):
        print("B12_ALERT_WEBHOOK_URL is not set, so no alert is posted", flush=True)
        os.execvp("sleep", ["sleep", "infinity"])  # noqa: S606, S607 - one that ended would be started again for ever
    home = Home.from_env()
    program = programs.of_process(service)
    if program is programs.DAGSTER_CODE:
        dagster_home.fail_unfinished(home)
    os.environ["DAGSTER_HOME"] = str(home.dagster)
    command = program.command(home)
    os.execv(command[0], command)  # noqa: S606 - a fixed argument list


def check(service: Service) -> None:
    """Does the service answer? Exits with 3 when it does not."""
    from b12.local import programs, worker_pages
    from lake import workers
    from lake.home import Home

    home, program = Home.from_env(), programs.of_process(service)
    if program.part == "worker":  # the one in this container, of several perhaps
        answers = not worker_pages.why_not_ready(home, workers.own_name())
    else:
        answers = program.answers(home)
    if not answers:
        raise typer.Exit(3)
