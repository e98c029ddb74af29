"""What a site's laboratory reports of an infant: numbers drawn from the course's bands, as it writes them."""

from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal

from b12.demo.courses.course import BANDS, Draw
from b12.demo.infants import Infant
from b12.demo.partners import Assay
from b12.demo.statements import Moment, Statement


def results(infant: Infant) -> Iterator[Statement]:
    """Every result of every draw; some laboratories report one result in two units."""
    partner = infant.partner
    for number, draw in enumerate(infant.course.draws, 1):
        sample = f"{infant.code}-S{number}"
        for analyte, finding in draw.found.items():
            assay = partner.assays[analyte]
            comparator, value = _reported(infant, draw, analyte, finding, assay)
            yield _result(infant, draw, (analyte, sample), assay, comparator, value)
            if (other := partner.also.get(analyte)) and comparator is None:
                same = (value / assay.per_canonical * other.per_canonical).quantize(Decimal(1).scaleb(-other.places))
                yield _result(infant, draw, (f"{analyte}_again", sample), other, None, same)


def _result(
    infant: Infant, draw: Draw, key: tuple[str, str], assay: Assay, comparator: str | None, value: Decimal
) -> Statement:
    day = infant.day(draw.day)
    low, high = (Decimal("0.20"), Decimal("0.40")) if assay.unit == "mg/dL" else (Decimal(15), Decimal(40))
    return infant.statement(
        "lab_result",
        key,
        person=draw.person,
        loinc=assay.loinc,
        value=value,
        comparator=comparator,
        unit=assay.unit,
        reference_low=low if key[0] == "creatinine" else None,
        reference_high=high if key[0] == "creatinine" else None,
        specimen=assay.specimen,
        collected=Moment.at(day, draw.clock) if draw.clock else Moment(day),
        method=assay.method,
    )


def _reported(infant: Infant, draw: Draw, analyte: str, finding: str, assay: Assay) -> tuple[str | None, Decimal]:
    """The comparator and the number as this laboratory writes them."""
    if finding.startswith("="):
        text = finding[1:]
        return (text[0], Decimal(text[1:])) if text[0] in "<>" else (None, Decimal(text))
    if finding.startswith("@"):
        canonical = Decimal(finding[1:])
    else:
        bands = BANDS[analyte]
        if finding not in bands:
            older = (infant.day(draw.day) - infant.birth).days > 366
            bands = BANDS[f"{analyte} {'from' if older else 'under'} 12 months"]
        canonical = Decimal(str(round(infant.chance.uniform(*bands[finding]), 3)))
    return None, (canonical * assay.per_canonical).quantize(Decimal(1).scaleb(-assay.places), ROUND_HALF_EVEN)
