"""Alerts the sites, after a release, to what did not come: a test, a dose, a mother's result, anything at all.

What is missing, and what was told before, is registry/absences.py's. Where there is no broker, nothing is told yet.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby

import dagster as dg

from contracts.alerts import AlertEvent
from contracts.errors import EnvironmentProblem
from contracts.site import Site
from lake.home import Home, InternalKafka
from pipelines.checks import RELEASE, model_key
from pipelines.verdict_receipts import Connect, connected
from registry import absences
from streams.alerts import Raised
from streams.site_alerts import SiteAlerts, digest, listed

ALERTS = dg.AssetKey("absence_alerts")
MISSING = "staging.absences"
"""The model that they are read from."""


def absence_alerts(home: Home, connect: Connect = connected) -> dg.AssetsDefinition:
    """The asset whose materialization is the sending."""

    @dg.asset(
        key=ALERTS,
        deps=[RELEASE, model_key(MISSING)],
        group_name="release",
        kinds={"kafka"},
        description="What each site is alerted to because it did not come: each once, and once more if nobody answers.",
        output_required=False,
    )
    def send(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        try:
            kafka = home.internal_kafka()
        except EnvironmentProblem:
            context.log.warning("no broker was ever started in this home: alerts wait for a build that finds one")
            return
        try:
            sent = told(home, kafka, connect)
        except EnvironmentProblem as problem:
            raise dg.Failure(str(problem), metadata={"error": type(problem).__name__}) from None
        yield dg.MaterializeResult(metadata={"alerts": sent.total(), "by rule": dg.MetadataValue.json(dict(sent))})

    return send


def told(home: Home, kafka: InternalKafka, connect: Connect = connected) -> Counter[str]:
    """Send what was not sent yet, and note it site by site; how many alerts by rule."""
    sites = home.sites()
    sent: Counter[str] = Counter()
    due = [alert for alert in absences.due(home) if alert.data.site in sites and not sites[alert.data.site].disabled]
    if not due:
        return sent
    with connect(kafka) as sender:
        for name, alerts in groupby(due, key=lambda alert: alert.data.site):
            found = list(alerts)
            sender.send(sites[name].alerts_topic, _messages(sites[name], found))
            absences.mark_told(home, found)
            sent.update(alert.data.rule for alert in found)
    return sent


def _messages(site: Site, alerts: list[AlertEvent]) -> list[bytes]:
    """One by one up to the cap of an hour, the rest as a digest: as for the alerts of what came."""
    cap = SiteAlerts(site)
    few = cap.take(Raised(number, alert) for number, alert in enumerate(alerts))
    rest = cap.due(at_once=True)
    return [*listed(few), *([digest(site, rest)] if rest else [])]
