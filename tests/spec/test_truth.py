"""The truth of the demonstration agrees with a reader of the definitions, course by course.

The registry is compared with it elsewhere; here the truth itself is held to the text.
"""

import subprocess
import sys
from collections import Counter
from decimal import Decimal

import pytest

from b12.demo import cohort, infants
from b12.demo.courses.course import Course
from b12.demo.truth import cases, evidence, identity, records
from b12.demo.truth.records import Subject


@pytest.fixture(scope="module")
def subjects() -> list[tuple[Course, Subject]]:
    deliveries = cohort.make().deliveries
    courses = {infant.code: infant.course for infant in infants.infants(cohort.SEED)}
    found = records.subjects(deliveries, identity.verdicts(deliveries))
    return [(courses[subject.code], subject) for subject in found]


def test_each_course_ends_in_the_class_that_a_reader_expects(subjects: list[tuple[Course, Subject]]) -> None:
    for course, subject in subjects:
        assert cases.case(evidence.Evidence(subject)).case_class == course.expects, course.name


def test_every_class_is_there(subjects: list[tuple[Course, Subject]]) -> None:
    assert {cases.case(evidence.Evidence(subject)).case_class for _, subject in subjects} == set(cases.CLASSES)


def test_every_verdict_is_there() -> None:
    found = Counter(identity.verdicts(cohort.make().deliveries))
    assert set(found) == {
        *("included", "duplicate", "conflict", "superseded", "retracted"),
        *("withdrawn", "held", "quarantined", "refused"),
    }


def test_200_pg_per_ml_is_deficient_and_201_is_not() -> None:
    assert records.canonical(Decimal(200), "2132-9", "pg/mL") == Decimal("147.5612")
    assert records.canonical(Decimal(201), "2132-9", "pg/mL") == Decimal("148.299006")


def test_the_truth_imports_nothing_that_it_is_a_witness_against() -> None:
    code = "import sys, b12.demo.truth.release; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"contracts", "registry", "lake", "sites", "expectations", "pipelines"} & set(loaded)
