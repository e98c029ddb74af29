"""What the registry answers to a site after a release: the verdicts that changed, each with its reason and fix.

They come at least once, on the site's receipts topic, as CloudEvents in structured mode. What the reasons are stands
in contracts/verdicts.py, how they are sent in pipelines/.
"""

from typing import Literal

from msgspec import Struct

SOURCE = "/platform/registry"


class ChangedVerdict(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One delivery whose verdict changed."""

    topic_uuid: str
    partition: int
    offset: int
    """Where it stands in the partition of the site's events topic."""
    kind: str
    id_key: str
    """Pseudonym of its `id` in 32 hex digits: the site's key turns known ids into it."""
    subject_key: str
    """Pseudonym of its `subject` in 32 hex digits."""
    verdict: str
    """One of contracts.verdicts.VERDICTS; `included` when nothing stands against it any more."""
    reason: str = ""
    """Why: a row rule when it is quarantined, else a reason of contracts/rules/verdicts.toml."""
    fix: str = ""
    """What to do, in plain words."""


class ChangedVerdicts(Struct, frozen=True, kw_only=True):
    """Changes of one site, or a part of them when there are many."""

    site: str
    verdicts: tuple[ChangedVerdict, ...]


class VerdictReceipt(Struct, frozen=True, kw_only=True):
    """The CloudEvent."""

    id: str
    """Made of the verdicts: the same ones sent again have the same id."""
    data: ChangedVerdicts
    specversion: Literal["1.0"] = "1.0"
    source: str = SOURCE
    type: Literal["b12.verdicts.v1"] = "b12.verdicts.v1"
    datacontenttype: str = "application/json"
