"""How often a unit slip of factor 1.36 is found, and how often a site is asked in vain: docs/explanation/levels.md.

Registries of five sites, drawn as the tests of the check draw them; nothing in them is an estimate of a real effect.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from tests.models.built import rows
from tests.models.levels_fixture import DAYS, FIRST, SITES, Result, cohort, slipped, staged

_SLIPS = SITES[2]
_MIDDLE = FIRST + timedelta(days=DAYS // 2)


@dataclass(frozen=True)
class Setting:
    """What the sites of a registry are like, and since when one of them slips."""

    name: str
    infants: tuple[int, int] = (200, 200)
    deficient: tuple[float, float] = (0.5, 0.5)
    """Range of the share among a site's infants."""
    differ: float = 0.0
    """Standard deviation of the sites' levels, as a logarithm."""
    slips: date | None = None


_MIXED = (0.35, 0.65)
SETTINGS = (
    Setting("five equal sites, 200 infants each"),
    Setting("sites differ by a standard deviation of 10 %", differ=0.1),
    Setting("sites of 10 to 30 infants", (10, 30)),
    Setting("sites with 35 to 65 % deficient, assays differ by 5 %", deficient=_MIXED, differ=0.05),
    Setting("sites with 10 to 90 % deficient, assays differ by 5 %", deficient=(0.1, 0.9), differ=0.05),
    Setting("slip from the start, equal sites", slips=FIRST),
    Setting("slip from the start, sites differ by 10 %", differ=0.1, slips=FIRST),
    Setting("slip halfway, equal sites", slips=_MIDDLE),
    Setting("slip halfway, sites differ by 10 %", differ=0.1, slips=_MIDDLE),
    Setting("slip halfway, sites differ by 10 %, 400 infants each", (400, 400), differ=0.1, slips=_MIDDLE),
    Setting("slip halfway, 35 to 65 % deficient", deficient=_MIXED, differ=0.05, slips=_MIDDLE),
    Setting("slip from the start, 35 to 65 % deficient", deficient=_MIXED, differ=0.05, slips=FIRST),
)


def measure(registries: int) -> list[str]:
    """The table, of so many registries a setting."""
    lines = [f"{registries} registries each", ""]
    lines += ["| registry | the site that slips is asked | any site is asked in vain |", "|---|---|---|"]
    for setting in SETTINGS:
        asked = [_asked(seed, setting) for seed in range(registries)]
        found = sum(_SLIPS in sites for sites in asked) / registries
        in_vain = sum(bool(sites - ({_SLIPS} if setting.slips else set())) for sites in asked) / registries
        lines.append(f"| {setting.name} | {f'{found:.0%}' if setting.slips else ''} | {in_vain:.1%} |")
    return lines


def _asked(seed: int, setting: Setting) -> set[str]:
    """The sites with an open question about their level."""
    results = _registry(seed, setting)
    if setting.slips:
        results = slipped(results, _SLIPS, setting.slips)
    return {row["site"] for row in rows(staged(results), "SELECT site FROM staging.questions")}


def _registry(seed: int, setting: Setting) -> list[Result]:
    chance = Random(seed)  # noqa: S311  # cases, not secrets
    found: list[Result] = []
    for place, site in enumerate(SITES):
        drawn = cohort(
            1000 * seed + place,
            chance.randint(*setting.infants),
            share=chance.uniform(*setting.deficient),
            differ=setting.differ,
        )
        found += [result for result in drawn if result.site == site]
    return [result._replace(delivery=number) for number, result in enumerate(found)]
