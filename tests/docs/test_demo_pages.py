"""What the other pages show is what happens: their fences are run, in order, against the demonstration's stack."""

import pytest

from tests.docs import fences
from tests.docs.pages import OF_THE_DEMONSTRATION, named


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", OF_THE_DEMONSTRATION, ids=named)
def test_a_page_does_what_it_shows(page, demo, tmp_path):
    fences.follow(page, tmp_path, {**demo.environment, "B12_HOME": str(demo.home.path)})
