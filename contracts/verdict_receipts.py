"""What the registry answers to a site after a release: the verdicts and questions that changed, each with its fix.

They come at least once, on the site's receipts topic. What the reasons are stands in contracts/verdicts.py, how they
are sent in pipelines/.
"""

from msgspec import Struct

from contracts.platform_event import PlatformEvent


class Question(Struct, frozen=True, kw_only=True):
    """What the site is asked about an event that is included: is it right? A confirmation or a correction answers."""

    rule: str
    """The row rule that asks; a confirmation names it."""
    field: str
    """Field of `data` that it asks about."""
    fix: str
    """What to do, in plain words."""


class ChangedVerdict(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One delivery whose verdict, or what is asked about it, changed."""

    topic_uuid: str
    """UUID of the site's events topic: a topic that was made again has another."""
    partition: int
    """Partition of the topic."""
    offset: int
    """Where it stands in the partition."""
    kind: str
    """Kind of the event."""
    id_key: str
    """Pseudonym of its `id` in 32 hex digits: the site's key turns known ids into it."""
    subject_key: str
    """Pseudonym of its `subject` in 32 hex digits."""
    verdict: str
    """One of contracts.verdicts.VERDICTS; `included` when it is asked about, or when nothing stands against it now."""
    reason: str = ""
    """Why: a row rule when it is quarantined, else a reason of contracts/rules/verdicts.toml."""
    fix: str = ""
    """What to do, in plain words."""
    questions: tuple[Question, ...] = ()
    """What is asked about it now; none when all is answered. It may count nowhere until then."""


class ChangedVerdicts(Struct, frozen=True, kw_only=True):
    """Changes of one site, or a part of them when there are many."""

    site: str
    """The site's name."""
    verdicts: tuple[ChangedVerdict, ...]
    """The last word on each delivery that is named."""


class VerdictReceipt(PlatformEvent[ChangedVerdicts], frozen=True, kw_only=True, tag="b12.verdicts.v1"):
    """What the registry says of accepted deliveries after a release, where it differs from the release before."""

    source: str = "/platform/registry"
