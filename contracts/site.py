"""A partner site: what the platform must know of it to judge what it sends."""

import re
from functools import cache, cached_property
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from contracts.errors import UsageError
from contracts.readable import readable

SITE_ID = r"[A-Z][A-Z0-9]{2,11}"
"""A site's name: three to twelve capital letters and digits, a letter first."""

ConsentBasis = Literal["attested", "per_subject"]


@readable
class Site(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One partner site."""

    id: str
    """The site's name, which is part of its topics and of every event's `source`."""
    name: str
    """What people call it."""
    country: str
    """ISO 3166-1 alpha-2."""
    time_zone: str
    """IANA zone in which the site's local dates are read."""
    elevation_m: int = 0
    """Metres above sea level, for the adjustment of haemoglobin (WHO 2024)."""
    consent_basis: ConsentBasis = "attested"
    """`attested`: in unless withdrawn. `per_subject`: held until given."""
    synthetic: bool = False
    """Made-up data. A home is synthetic or real, fixed by its first site."""
    lab_codes: tuple[str, ...] = ()
    """The lab's own test codes and names that may be kept; any other is dropped at the door."""
    disabled: bool = False
    """Its credentials are revoked; its data stays."""

    def __post_init__(self) -> None:
        if not re.fullmatch(SITE_ID, self.id):
            raise UsageError(
                f"site {self.id!r}: a site's name is 3 to 12 capital letters and digits, a letter first, like BLR01"
            )
        if not re.fullmatch(r"[A-Z]{2}", self.country):
            raise UsageError(f"site {self.id}: the country is two capital letters (ISO 3166-1), like IN")
        if self.time_zone not in _time_zones():
            raise UsageError(f"site {self.id}: the time zone is not an IANA name, like Asia/Kolkata")
        if not -430 <= self.elevation_m <= 6000:
            raise UsageError(f"site {self.id}: the elevation is in metres, between -430 and 6000")

    @cached_property
    def zone(self) -> ZoneInfo:
        """The zone in which the site's local dates are read."""
        return ZoneInfo(self.time_zone)

    @property
    def source(self) -> str:
        """What `source` must be in every event of this site."""
        return f"/sites/{self.id}"

    @property
    def events_topic(self) -> str:
        """Where the site writes."""
        return f"b12.site.{self.id}.events"

    @property
    def receipts_topic(self) -> str:
        """Where the site reads what became of its events."""
        return f"b12.site.{self.id}.receipts"

    @property
    def alerts_topic(self) -> str:
        """Where the site reads alerts."""
        return f"b12.site.{self.id}.alerts"


@cache
def _time_zones() -> set[str]:
    """Every IANA name; finding them walks through hundreds of files."""
    return available_timezones()
