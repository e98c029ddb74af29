"""What the pages for labs show is what happens: their fences are run, in order, against a worker."""

import os

import pytest

from contracts.site import Site
from tests.docs import fences
from tests.docs.pages import OF_LABS, named


@pytest.fixture
def lab(kafka_home, tmp_path_factory):
    """A home with a worker and the site BLR01."""
    from b12 import registration
    from tests.worker_processes import new_home, started

    home = new_home(kafka_home, tmp_path_factory.mktemp("docs"))
    registration.register(
        home, Site(id="BLR01", name="A laboratory", country="IN", time_zone="Asia/Kolkata", synthetic=True)
    )
    for start in started(home, []):
        start().wait_for("started")
        yield home


@pytest.mark.parametrize("page", OF_LABS, ids=named)
def test_a_page_does_what_it_shows(page, lab, tmp_path):
    (tmp_path / "BLR01.b12.toml").write_bytes(lab.lab_config("BLR01").read_bytes())
    fences.follow(page, tmp_path, {**os.environ, "B12_HOME": str(lab.path)})
