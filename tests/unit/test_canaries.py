"""What looks for a number must find it, or no test that finds none says anything."""

import pytest

from tests.canaries import shows


@pytest.mark.parametrize("text", ["9000", "9000.125", '{"value":9000}', "a median of 9000 pmol/L", ">9000<"])
def test_a_number_by_itself_is_found(text: str) -> None:
    assert shows(text, 9000)


@pytest.mark.parametrize("text", ["r0001-9000aa1b", "a39000f2", "1795422934900", "6f2a-9000-4c1d", "900"])
def test_a_part_of_a_name_is_none(text: str) -> None:
    assert not shows(text, 9000)
