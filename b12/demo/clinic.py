"""What a site's clinic notes of an infant: enrolment, consent, feeding, doses, signs, visits, scans.

Faults are planted afterwards, in `faults`.
"""

import random
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from math import sqrt

from b12.demo import laboratory
from b12.demo.infants import Infant
from b12.demo.statements import Moment, Statement

# Typical age in days at which a milestone is there: plausible numbers, no norm.
_MILESTONES = {
    "social_smile": 55,
    "head_control": 110,
    "rolling": 165,
    "sitting_without_support": 185,
    "babbling": 230,
    "standing_with_assistance": 240,
    "walking_alone": 370,
}

_DOMAINS = {"motor": "motor", "mental": "mental", "cognitive": "mental"}

_REGIONS = (("genu_corpus_callosum", "midline"), ("superior_corona_radiata", "left"), ("thalamus", "bilateral_mean"))

_MONTH = 30.4375


def statements(infant: Infant) -> list[Statement]:
    """Everything that the site says of one infant, without faults."""
    if infant.course.person == "comparator":
        return [_enrolment(infant), *_consent(infant), *laboratory.results(infant)]
    parts = (
        _consent,
        _feeding,
        laboratory.results,
        _doses,
        _signs,
        _milestones,
        _scores,
        _growth,
        _conditions,
        _scans,
        _states,
    )
    return [_enrolment(infant), *(said for part in parts for said in part(infant))]


def _enrolment(infant: Infant) -> Statement:
    course, chance = infant.course, infant.chance
    weeks, days = course.gestation or (chance.randint(37, 40), chance.randint(0, 6))
    weights = (1750, 2300) if course.gestation else (2500, 3900)
    clinical = course.group == "suspected"
    onsets = [sign.onset for sign in course.signs if sign.onset is not None]
    child = course.person == "infant"
    return infant.statement(
        "enrolment",
        ("enrolment", infant.code),
        person=course.person,
        birth=infant.birth_moment,
        sex=chance.choice(("female", "male")),
        group=course.group,
        route=course.route,
        gestation_weeks=weeks if child else None,
        gestation_days=days if child else None,
        birth_weight_g=Decimal(chance.randrange(*weights, 10)) if child else None,
        plurality=(2 if course.mother else 1) if child else None,
        mother=(f"M-{course.mother}" if course.mother else f"M-{infant.code}") if child else None,
        enrolled=Moment(infant.presents),
        diagnosed=Moment(infant.day(1)) if clinical and course.expects in ("definite", "probable") else None,
        symptom_onset=Moment.month_of(infant.day(min(onsets))) if onsets else None,
    )


def _consent(infant: Infant) -> Iterator[Statement]:
    if infant.partner.consent_basis == "per_subject":
        scopes = ("blood", "development", "imaging", "mother", "sharing")
        yield infant.statement(
            "consent", ("consent", infant.code, 1), scopes=scopes, status="given", effective=Moment(infant.presents)
        )


def _feeding(infant: Infant) -> Iterator[Statement]:
    course = infant.course
    start = infant.birth_moment if course.fed_from is None else Moment(infant.day(course.fed_from))
    yield infant.statement(
        "feeding",
        ("feeding", infant.code),
        infant=course.feeding,
        animal_source_food=True if course.feeding == "weaned" else None,
        mother_diet=course.diet or infant.chance.choice(infant.partner.mother_diets),
        maternal_b12_ug_per_day=Decimal(course.maternal_b12) if course.maternal_b12 else None,
        start=start,
    )
    if course.formula:
        first, last = course.formula
        yield infant.statement(
            "feeding",
            ("feeding", infant.code, 2),
            infant="formula_only",
            start=Moment(infant.day(first)),
            end=Moment(infant.day(last)),
        )


def _doses(infant: Infant) -> Iterator[Statement]:
    course = infant.course
    beside = [(day - course.starts, who, "cyanocobalamin", "im", ug, why) for day, who, ug, why in course.doses]
    planned = [dose for dose in _regimen(infant) if dose[0] <= course.regimen_ends]
    for number, (offset, person, compound, route, ug, purpose) in enumerate([*planned, *beside]):
        day = infant.treated + timedelta(days=offset)
        given = number not in course.missed
        clock = course.clock if number == 0 else None
        yield infant.statement(
            "dose",
            ("dose", infant.code, number + 1),
            person=person,
            compound=compound,
            route=route,
            ug=Decimal(ug) if given else None,
            scheduled=Moment(day),
            given=(Moment.at(day, clock) if clock else Moment(day)) if given else None,
            status="given" if given else "missed",
            purpose=purpose,
        )


def _regimen(infant: Infant) -> list[tuple[int, str, str, str, str, str | None]]:
    """Day, person, compound, route, micrograms and purpose of each planned dose."""
    if infant.course.regimen is None:
        return []
    if infant.course.regimen == "mother":
        return [(day, "mother", "cyanocobalamin", "im", "1000", "therapeutic") for day in (0, 7, 14, 21)]
    if infant.partner.id == "SYN01":  # injected daily, then weekly, then monthly
        early = [(day, "infant", "hydroxocobalamin", "im", "1000", "therapeutic") for day in range(7)]
        weekly = [(day, "infant", "hydroxocobalamin", "im", "1000", "therapeutic") for day in (14, 21, 28, 35)]
        return early + weekly + [(day, "infant", "hydroxocobalamin", "im", "1000", "maintenance") for day in _MONTHLY]
    if infant.partner.id == "SYN02":  # five by mouth; the clinic does not note the purpose
        early = [(day, "infant", "cyanocobalamin", "po", "500", None) for day in range(5)]
        return early + [(day, "infant", "cyanocobalamin", "po", "500", "maintenance") for day in (13, 28, *_MONTHLY)]
    return [
        (0, "infant", "hydroxocobalamin", "im", "400", "therapeutic"),
        *((day, "infant", "multivitamin_with_b12", "po", "2.5", "maintenance") for day in (7, 37, *_MONTHLY)),
    ]


_MONTHLY = (65, 96, 126, 157, 187)


def _signs(infant: Infant) -> Iterator[Statement]:
    number = 0
    for sign in infant.course.signs:
        seen = [(sign.day, "present")] + ([(sign.gone, "resolved")] if sign.gone is not None else [])
        for offset, status in seen:
            number += 1
            yield infant.statement(
                "symptom",
                ("sign", infant.code, number),
                code=sign.code,
                status=status,
                severity=sign.severity if status == "present" else None,
                onset=Moment(infant.day(sign.onset)) if sign.onset is not None else None,
                observed=Moment(infant.day(offset)),
                source=sign.source,
            )


def _visits(infant: Infant) -> list[int]:
    """Days on which the infant was seen: the draws of the infant, and presentation."""
    return sorted({0, *(draw.day for draw in infant.course.draws if draw.day >= 80)})


def _milestones(infant: Infant) -> Iterator[Statement]:
    course = infant.course
    for number, visit in enumerate(_visits(infant), 1):
        age = (infant.day(visit) - infant.birth).days
        for code, typical in _MILESTONES.items():
            due = typical * course.delay
            status = "achieved" if age >= due else "emerging" if age >= 0.92 * due else "not_yet"
            if code == course.lost:
                status = "lost" if visit == 0 else "regained"
            yield infant.statement(
                "milestone",
                (code, f"{infant.code}-V{number}"),
                code=code,
                status=status,
                observed=Moment(infant.day(visit)),
                attained=Moment.month_of(infant.birth + timedelta(days=round(due)))
                if status == "achieved" and visit == 0 and code == "social_smile"
                else None,
                source="examined" if visit else "caregiver",
            )


def _scores(infant: Infant) -> Iterator[Statement]:
    instrument, edition, domains, score_type = infant.partner.instrument
    for number, scores in enumerate(infant.course.scores, 1):
        for domain, score in zip(domains, (scores.motor, scores.mental), strict=True):
            yield infant.statement(
                "assessment",
                (_DOMAINS[domain], f"{infant.code}-A{number}"),
                instrument=instrument,
                edition=edition,
                domain=domain,
                score_type=score_type,
                score=Decimal(score) if score else None,
                age_used="corrected" if infant.course.gestation else "chronological",
                status="completed" if score else "untestable",
                blinded=False,
                assessed=Moment(infant.day(scores.day)),
            )


def _growth(infant: Infant) -> Iterator[Statement]:
    chance = infant.chance
    for number, visit in enumerate(_visits(infant), 1):
        months = (infant.day(visit) - infant.birth).days / _MONTH
        yield infant.statement(
            "growth",
            ("growth", f"{infant.code}-V{number}"),
            weight_g=Decimal(round(3400 + 5200 * (1 - 2.718 ** (-months / 9)) + chance.uniform(-500, 300), -1)),
            length_cm=Decimal(f"{50 + 27 * (1 - 2.718 ** (-months / 11)) + chance.uniform(-2, 2):.1f}"),
            position="lying",
            head_circumference_cm=Decimal(
                str(round(35 + 12 * (1 - 2.718 ** (-months / 7)) + chance.uniform(-1, 1), 1))
            ),
            measured=Moment(infant.day(visit)),
        )


def _conditions(infant: Infant) -> Iterator[Statement]:
    for number, (category, code, offset) in enumerate(infant.course.conditions, 1):
        yield infant.statement(
            "condition",
            ("condition", infant.code, number),
            person="infant",
            code=code,
            category=category,
            onset=Moment(infant.day(offset)),
        )


def _scans(infant: Infant) -> Iterator[Statement]:
    chance = infant.chance
    for number, offset in enumerate(infant.course.scans if infant.partner.id != "SYN01" else (), 1):
        scan = f"{infant.code}-MR{number}"
        for region, side in _REGIONS:
            found = _tensor(infant.course.diffusion[number - 1]) if infant.course.diffusion else _any_tensor(chance)
            for metric, value in found.items():
                yield infant.statement(
                    "imaging",
                    ("metric", scan, region, side, metric),
                    scan=scan,
                    metric=metric,
                    region=region,
                    side=side,
                    atlas="jhu_neonate",
                    atlas_version="1.0",
                    method="atlas_roi",
                    value=Decimal(f"{value:.3f}"),
                    unit="1" if metric == "fa" else "um2/ms",
                    directions=32,
                    field_strength_t=Decimal("3"),
                    scanner_model="synthetic_3t",
                    pipeline="synthetic",
                    pipeline_version="1",
                    sedation="natural_sleep",
                    quality="pass",
                    roi_voxels=chance.randint(60, 400),
                    scanned=Moment(infant.day(offset)),
                )


def _any_tensor(chance: random.Random) -> dict[str, float]:
    axial = round(chance.uniform(1.1, 1.7), 3)
    radial = round(axial * chance.uniform(0.45, 0.8), 3)
    md = round((axial + 2 * radial) / 3, 3)
    return {"ad": axial, "rd": radial, "md": md, "fa": chance.uniform(0.2, 0.6)}


def _tensor(diffusivities: tuple[str, str]) -> dict[str, float]:
    """MD and FA of a tensor that is alike in all directions across the fibres."""
    axial, radial = map(float, diffusivities)
    fa = (axial - radial) / sqrt(axial**2 + 2 * radial**2)
    return {"ad": axial, "rd": radial, "md": (axial + 2 * radial) / 3, "fa": fa}


def _states(infant: Infant) -> Iterator[Statement]:
    for number, (state, offset) in enumerate(infant.course.states, 1):
        yield infant.statement(
            "status",
            ("status", infant.code, number),
            state=state,
            effective=Moment(infant.day(offset)),
            last_contact=Moment(infant.day(offset)) if state in ("alive", "completed") else None,
        )
