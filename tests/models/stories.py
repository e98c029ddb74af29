"""A subject's events told in words, one step after a semicolon.

Ages are in days, `@` and the minute of the day follow where it is known. How an event becomes a row is not here.

    200 b12=100 mma=<2         results of one draw; b12=100!preliminary is unusable, creatinine=60/40 with interval
    200@600 mother b12=100     the same of the mother
    200 dose                   1000 ug to the infant, therapeutic; `dose mother prophylactic 5ug`, `dose unstated`;
                               `dose missed` and `dose refused` were due on that day
    200 sign tremor            seen; `sign tremor resolved`
    0-90 fed mixed vegan       a period, open with `0-`, and the mother's diet
    200 condition ICD10:D51.2 diagnosis     of the infant; `condition ... mother`
    200 transfused             likewise; `transfused mother`
    200 status died
    200 milestone sitting_without_support lost
    200 score 70 dasii:1997:mental:ratio_dq sem=3     of Bayley-III's cognitive composite unless it is named;
                               `score untestable`, `score 40floor`, `score 90 corrected`
    200 scan fa=0.3 md=0.0012  metrics of one region; `warn`, `fail`, `other_pipeline`, `!unit_unconfirmed`
    200 barred development     the family's consent does not cover the scope
"""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.models.cohort import Infant

SIGNS = {
    "tremor": "HP:0001337",
    "hypotonia": "HP:0001252",
    "irritability": "HP:0000737",
    "lethargy": "HP:0001254",
    "pallor": "HP:0000980",
    "atrophy": "HP:0002059",
}


def tell(infant: "Infant", story: str) -> None:
    """The events of a story become rows of the infant's cohort."""
    for step in filter(None, (part.split() for part in story.split(";"))):
        _step(infant, *step)


def _step(infant: "Infant", when: str, what: str, *words: str) -> None:
    day, _, minute = when.partition("@")
    start, _, end = day.partition("-")
    age, at = int(start), int(minute) if minute else None
    if what == "dose":
        _dose(infant, age, at, words)
    elif what == "sign":
        infant.sign(SIGNS[words[0]], age, *words[1:])
    elif what == "fed":
        infant.fed(words[0], age, int(end) if end else None, *words[1:])
    elif what == "transfused":
        infant.condition("SNOMED:116859006", age, "procedure", *words)
    elif what == "condition":
        infant.condition(words[0], age, *words[1:])
    elif what == "scan":
        _scan(infant, age, words)
    elif what == "score":
        _score(infant, age, words)
    elif what == "milestone":
        infant.milestone(words[0], age, words[1])
    elif what == "barred":
        infant.add("barred", scope=words[0], verdict="withdrawn")
    elif what == "status":
        infant.status(words[0], age)
    else:
        person = what if what in ("mother", "comparator") else "infant"
        for word in words if person == what else (what, *words):
            _result(infant, word, age, at, person)


def _dose(infant: "Infant", age: int, at: int | None, words: tuple[str, ...]) -> None:
    fields: dict[str, Any] = {"minute_of_day": at}
    for word in words:
        if word == "mother":
            fields["person"] = word
        elif word in ("po", "im"):
            fields["route"] = word
        elif word in ("missed", "refused"):
            fields |= {"status": word, "ug": None, "age_days": None, "scheduled_age_days": age}
        elif word == "iron":
            fields |= {"compound": word, "is_b12": False}
        elif word.endswith("ug"):
            fields["ug"] = Decimal(word.removesuffix("ug"))
        else:
            fields["purpose"] = None if word == "unstated" else word
    infant.dose(age, **fields)


def _scan(infant: "Infant", age: int, words: tuple[str, ...]) -> None:
    scan = infant.cohort.key()
    reasons = [word.removeprefix("!") for word in words if word.startswith("!")]
    for metric, value in (word.split("=") for word in words if "=" in word):
        infant.imaged(
            age,
            scan,
            metric,
            value,
            region="corpus_callosum_body",
            side="midline",
            pipeline="other" if "other_pipeline" in words else "one",
            pipeline_version="1",
            quality=next((word for word in words if word in ("warn", "fail")), "pass"),
            is_usable=not reasons,
            unusable_reason=next(iter(reasons), None),
        )


def _score(infant: "Infant", age: int, words: tuple[str, ...]) -> None:
    told, *rest = words
    scale, sem, age_used = "bayley:iii:cognitive:composite", None, "chronological"
    for word in rest:
        if word.startswith("sem="):
            sem = Decimal(word.removeprefix("sem="))
        elif ":" in word:
            scale = word
        else:
            age_used = word
    instrument, edition, domain, score_type = scale.split(":")
    number = told.rstrip("abcdefghijklmnopqrstuvwxyz")
    infant.add(
        "assessments",
        instrument=instrument,
        edition=edition,
        domain=domain,
        score_type=score_type,
        score=Decimal(number) if number else None,
        comparator=told.removeprefix(number) or None if number else None,
        sem=sem,
        age_used=age_used,
        status="completed" if number else told,
        age_days=age,
    )


def _result(infant: "Infant", word: str, age: int, at: int | None, person: str) -> None:
    analyte, _, value = word.partition("=")
    value, _, reason = value.partition("!")
    value, _, interval = value.partition("/")
    infant.lab(
        analyte,
        value,
        age,
        person=person,
        minute_of_day=at,
        unusable_reason=reason or None,
        reference_high=Decimal(interval) if interval else None,
    )
