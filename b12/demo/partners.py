"""The three synthetic partners: where they are, what they send and in which units their laboratories report.

The infants they follow belong in `courses`.
"""

from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Assay:
    """How one laboratory reports one analyte."""

    loinc: str
    unit: str
    places: int
    """Decimal places that it writes."""
    per_canonical: Decimal
    """Its unit's number for one canonical unit: for making plausible numbers only, never for the truth."""
    specimen: str = "serum"
    method: str = "immunoassay"


@dataclass(frozen=True)
class Partner:
    """One synthetic site."""

    id: str
    name: str
    country: str
    time_zone: str
    elevation_m: int
    consent_basis: str
    assays: dict[str, Assay]
    also: dict[str, Assay]
    """Analytes whose one result it reports a second time, in another unit."""
    instrument: tuple[str, str, tuple[str, str], str]
    """Instrument, edition, its motor and mental domains, and the type of score."""
    mother_diets: tuple[str, ...]

    @property
    def zone(self) -> ZoneInfo:
        """The zone of its local dates."""
        return ZoneInfo(self.time_zone)


def _assay(loinc: str, unit: str, places: int, per_canonical: str, *, blood: bool = False, method: str = "") -> Assay:
    specimen = "venous_whole_blood" if blood else "serum"
    return Assay(
        loinc, unit, places, Decimal(per_canonical), specimen, method or ("cell_counter" if blood else "immunoassay")
    )


BENGALURU = Partner(
    id="SYN01",
    name="Synthetic Children's Hospital, Bengaluru",
    country="IN",
    time_zone="Asia/Kolkata",
    elevation_m=920,
    consent_basis="attested",
    assays={
        "b12": _assay("2132-9", "pg/mL", 0, "1.35537"),
        "homocysteine": _assay("13965-9", "umol/L", 1, "1"),
        "mma": _assay("13964-2", "nmol/L", 0, "1000", method="lc_ms_ms"),
        "holotranscobalamin": _assay("72160-5", "pmol/L", 1, "1"),
        "haemoglobin": _assay("718-7", "g/dL", 1, "0.1", blood=True),
        "mcv": _assay("787-2", "fL", 1, "1", blood=True),
        "folate": _assay("2284-8", "ng/mL", 1, "0.4414"),
        "creatinine": _assay("2160-0", "mg/dL", 2, "0.011312", method="enzymatic"),
    },
    also={},
    instrument=("dasii", "1997", ("motor", "mental"), "ratio_dq"),
    mother_diets=("lacto_vegetarian", "vegan", "lacto_ovo_vegetarian"),
)

ANKARA = Partner(
    id="SYN02",
    name="Synthetic University Clinic, Ankara",
    country="TR",
    time_zone="Europe/Istanbul",
    elevation_m=890,
    consent_basis="attested",
    assays={
        "b12": _assay("14685-2", "pmol/L", 0, "1"),
        "homocysteine": _assay("2428-1", "mg/L", 2, "0.13518", method="hplc"),
        "mma": _assay("13964-2", "umol/L", 2, "1", method="gc_ms"),
        "holotranscobalamin": _assay("72160-5", "pmol/L", 0, "1"),
        "haemoglobin": _assay("718-7", "g/L", 0, "1", blood=True),
        "mcv": _assay("787-2", "fL", 1, "1", blood=True),
        "folate": _assay("14732-2", "nmol/L", 1, "1"),
        "creatinine": _assay("14682-9", "umol/L", 0, "1", method="enzymatic"),
    },
    also={},
    instrument=("bayley", "iii", ("motor", "cognitive"), "composite"),
    mother_diets=("omnivore", "lacto_vegetarian", "pescatarian"),
)

COPENHAGEN = Partner(
    id="SYN03",
    name="Synthetic Rigshospital, Copenhagen",
    country="DK",
    time_zone="Europe/Copenhagen",
    elevation_m=14,
    consent_basis="per_subject",
    assays={
        "b12": _assay("14685-2", "pmol/L", 1, "1"),
        "homocysteine": _assay("13965-9", "umol/L", 1, "1", method="lc_ms_ms"),
        "mma": _assay("13964-2", "ng/mL", 1, "118.09", method="lc_ms_ms"),
        "holotranscobalamin": _assay("72160-5", "pmol/L", 1, "1"),
        "haemoglobin": _assay("59260-0", "mmol/L", 1, "0.062058", blood=True),
        "mcv": _assay("787-2", "fL", 0, "1", blood=True),
        "folate": _assay("14732-2", "nmol/L", 1, "1"),
        "creatinine": _assay("14682-9", "umol/L", 0, "1", method="enzymatic"),
    },
    also={"b12": _assay("2132-9", "pg/mL", 1, "1.35537")},
    instrument=("bayley", "4", ("motor", "cognitive"), "composite"),
    mother_diets=("vegan", "lacto_ovo_vegetarian", "vegan"),
)

PARTNERS = {partner.id: partner for partner in (BENGALURU, ANKARA, COPENHAGEN)}
