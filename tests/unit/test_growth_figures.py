"""The contract's figures of growth are those of the package that they were taken from, every one."""

from tests.growth_figures import HEAD, kept, published


def test_all_figures_but_the_head_are_those_of_the_package() -> None:
    taken = {at: lms for at, lms in kept().items() if at[0] != HEAD}
    assert taken == published()
    assert len(taken) == 3 * 2 * 1827 + 2 * (651 + 551)
