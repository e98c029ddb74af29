"""An operator's action: have the dead letters of a site judged again. What `b12 dead-letters replay` does, as a job.

Which letters there are belongs to lake/dead_letters.py, replaying them to streams/replays.py.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field

from contracts.errors import B12Error
from lake.home import Home

if TYPE_CHECKING:
    from streams.replays import Replays

JOB = "replay_dead_letters"

Open = Callable[[Home], AbstractContextManager["Replays"]]


class ReplayConfig(dg.Config):
    """Which letters."""

    site: str = Field(description="The site that sent them, like BLR01.")
    rule: str | None = Field(default=None, description="Only what this rule of the door refused, else all.")
    again: bool = Field(default=False, description="Also those that a replay brought back under the contract of today.")


def opened(home: Home) -> "AbstractContextManager[Replays]":
    """The dead letters of the home and its Kafka."""
    from streams import replays  # its clients take a while to load, and few runs need them

    return replays.opened(home)


def replay_job(home: Home, open_: Open = opened) -> dg.JobDefinition:
    """The job. Its one op says how many were written, and why others were not."""

    @dg.op(description="Writes dead letters to the replay topic. Safe to repeat: a delivery counts once.")
    def replay(context: dg.OpExecutionContext, config: ReplayConfig) -> None:
        try:
            context.add_output_metadata(_replayed(home, config, open_))
        except B12Error as error:
            raise dg.Failure(str(error), metadata={"error": type(error).__name__}, allow_retries=False) from None

    @dg.job(
        name=JOB,
        executor_def=dg.in_process_executor,
        description="Has what the door refused judged again, after a rule or the platform was mended. Choose the site,"
        " and the rule if not all, in the launchpad; `b12 dead-letters list` shows what there is.",
    )
    def job() -> None:
        replay()

    return job


def _replayed(home: Home, config: ReplayConfig, open_: Open) -> dict[str, int]:
    site = home.site(config.site).id
    with open_(home) as dead_letters:
        letters = dead_letters.ready(site, config.rule, again=config.again)
        stays: dict[str, int] = {}
        for group in dead_letters.letters.groups():
            if group.site == site and config.rule in (None, group.rule):
                for state, count in group.states.items():
                    stays[state] = stays.get(state, 0) + count
        done = dead_letters.replay(letters)
    return {
        "written": done.written,
        "on their way before": stays.get("on_its_way", 0),
        "expired": stays.get("expired", 0) + done.expired,
        "too large": done.too_large,
        "refused again before": 0 if config.again else stays.get("judged_again", 0),
    }
