"""How complete a site's data is, counted from the truth's other tables; how fast it arrives is not known here."""

from collections.abc import Mapping, Sequence

from b12.demo.partners import PARTNERS
from b12.demo.truth.core import Row
from b12.demo.truth.follow_up import VISITS

_VERDICTS = {"duplicate": "duplicates", "conflict": "conflicts", "quarantined": "quarantined", "held": "held"}


def rows(tables: Mapping[str, Sequence[Row]]) -> list[Row]:
    """One for each site."""
    return [_row(site, {name: _of(site, found) for name, found in tables.items()}) for site in PARTNERS]


def _of(site: str, rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.get("site") == site]


def _row(site: str, tables: Mapping[str, list[Row]]) -> Row:
    judged = {
        verdict: sum(row["deliveries"] for row in tables["summary.verdicts"] if row["verdict"] == verdict)
        for verdict in (*_VERDICTS, "included", "refused")
    }
    received = sum(row["deliveries"] for row in tables["summary.verdicts"])
    infants = [row for row in tables["core.subjects"] if row["person"] == "infant"]
    fed = {row["subject_key"] for row in tables["core.feeding"]}
    diets = {row["subject_key"] for row in tables["core.feeding"] if row["mother_diet"]}
    results = tables["core.lab_results"]
    return {
        "site": site,
        "received": received,
        "included": judged["included"],
        "refused": judged["refused"],
        "refused_fraction": _share(judged["refused"], received),
        **{name: judged[verdict] for verdict, name in _VERDICTS.items()},
        "infants": len(infants),
        "sex_known_fraction": _share(sum(row["sex"] != "unknown" for row in infants), len(infants)),
        "birth_day_known_fraction": _share(sum(row["birth_precision"] == "day" for row in infants), len(infants)),
        "gestation_known_fraction": _share(
            sum(row["gestation_total_days"] is not None for row in infants), len(infants)
        ),
        "mother_known_fraction": _share(sum(row["family_key"] != row["subject_key"] for row in infants), len(infants)),
        "feeding_known_fraction": _share(sum(row["subject_key"] in fed for row in infants), len(infants)),
        "maternal_diet_known_fraction": _share(sum(row["subject_key"] in diets for row in infants), len(infants)),
        "usable_results_fraction": _share(sum(row["is_usable"] for row in results), len(results)),
        "results_with_unconfirmed_unit": sum(row["unusable_reason"] == "unit_unconfirmed" for row in results),
        **{f"followed_{visit}_fraction": _followed(visit, tables["research.follow_up"]) for visit in VISITS},
    }


def _followed(visit: str, follow_up: Sequence[Row]) -> float | None:
    """Of the visits that closed while the infant was followed."""
    states = [row["state"] for row in follow_up if row["visit"] == visit]
    came = states.count("in_window")
    return _share(came, came + states.count("missed"))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
