"""Every reason that recovery may give is reached by a story, and each is one of the vocabulary."""

from registry import definitions
from tests.models import test_research_follow_up as blood
from tests.models import test_research_recovery_clinical as clinical
from tests.models import test_research_recovery_developmental as developmental
from tests.models import test_research_recovery_imaging as imaging
from tests.models import test_research_time_to_recovery as together

STATES = {"recovered", "improved", "not_recovered", "not_affected"}

REASONS = {
    *("no_baseline", "baseline_post_dose", "b12_only", "no_follow_up", "out_of_window", "instrument_changed"),
    *("edition_changed", "untestable", "unit_unconfirmed", "censored_undecidable", "no_cut_off", "transfused"),
    *("no_norms", "consent_scope", "died", "lost"),
}

OF_OTHER_INFANTS = {"not_due", "sex_missing"}
"""Of an infant whose visit is ahead, and of one whose sex is not known; other tests tell their stories."""


def test_every_reason_is_reached_and_is_one_of_the_vocabulary() -> None:
    stories = [blood.BIOCHEMICAL, blood.HAEMATOLOGICAL, clinical.AT_3_MONTHS, developmental.AT_3_MONTHS]
    stories += [imaging.WITHOUT_NORMS, imaging.WITH_NORMS]
    told = {answer for each in stories for _, answer in each.values()} - STATES
    assert told == REASONS
    ended = {row[3] for _, row in together.TIMES.values()} - {None}
    assert ended <= REASONS
    (vocabulary,) = (table for table in definitions.tables() if table.name == "reason")
    place = list(vocabulary.columns).index("code")
    assert {row[place] for row in vocabulary.rows} >= REASONS | OF_OTHER_INFANTS
