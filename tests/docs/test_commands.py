"""The page of commands is what the commands say of themselves."""

from b12 import reference


def test_every_command_and_option_says_what_it_does():
    lines = reference.page().splitlines()
    silent = [line for line in lines if line.startswith("|") and line.endswith("|  |")]
    heads = [i for i, line in enumerate(lines) if line.startswith("## ")]
    assert silent == []
    assert [lines[i] for i in heads if not lines[i + 2]] == []
