"""What Dagster shows above the models: the sites, the lake and the contract's definitions, none of them made here.

The sensor reports what arrived (sensors.py); the models stand in model_assets.py.
"""

from collections.abc import Iterable
from datetime import timedelta

import dagster as dg

from contracts.events import DATA
from contracts.shapes import shapes
from contracts.site import Site
from lake.schema import ERASED, PARTITIONS, REFUSED

DELIVERIES = dg.AssetKey(["lake", "deliveries"])
DEFINITIONS = dg.AssetKey(["contract", "definitions"])

WARN_AFTER = timedelta(days=8)
FAIL_AFTER = timedelta(days=31)
"""A lab that pushes weekly is on time; a month of silence is an outage at the lab or on the way."""


def site_key(site: str) -> dg.AssetKey:
    """The asset that stands for all that a site ever sent."""
    return dg.AssetKey(["sites", site])


def kind_key(kind: str) -> dg.AssetKey:
    """The asset that stands for one kind's partition of the lake."""
    return dg.AssetKey(["lake", kind])


def lake_specs(sites: Iterable[Site]) -> list[dg.AssetSpec]:
    """External assets: a site each with its freshness, the lake and its kinds, and the definitions."""
    sites = sorted(sites, key=lambda site: site.id)
    return [
        *(_site(site) for site in sites),
        dg.AssetSpec(
            DELIVERIES,
            deps=[site_key(site.id) for site in sites],
            group_name="lake",
            description="Every delivery of every site, judged once and written once: one Delta table.",
            kinds={"deltalake"},
        ),
        *(
            dg.AssetSpec(
                kind_key(kind),
                deps=[DELIVERIES],
                group_name="lake",
                description=_described(kind),
                kinds={"deltalake", "parquet"},
            )
            for kind in PARTITIONS
        ),
        dg.AssetSpec(
            DEFINITIONS,
            group_name="contract",
            description="Codes, units, reference tables, windows and clinical definitions, as data of the contract.",
            kinds={"toml"},
        ),
    ]


def _site(site: Site) -> dg.AssetSpec:
    return dg.AssetSpec(
        site_key(site.id),
        group_name="sites",
        description=f"What {site.name} ({site.country}) sent. Its time zone is {site.time_zone}.",
        kinds={"kafka"},
        # A site that was disabled is silent on purpose.
        freshness_policy=None
        if site.disabled
        else dg.FreshnessPolicy.time_window(fail_window=FAIL_AFTER, warn_window=WARN_AFTER),
    )


def _described(kind: str) -> str:
    if kind == REFUSED:
        return "Deliveries that the door refused, with the rule; the record itself is in Kafka."
    if kind == ERASED:
        return "Where the deliveries of families stood who withdrew: nothing of what they said."
    doc = (DATA[kind].__doc__ or "").strip()
    return f"{doc} {len(shapes(DATA[kind]))} fields."
