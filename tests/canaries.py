"""Numbers that must show nowhere. What is looked through belongs to the tests."""

import re


def shows(text: str, number: int) -> bool:
    """Whether a number, or one that begins with it, stands in a text by itself: four digits stand in a random name, a
    hash or a time now and then.
    """
    return re.search(rf"(?<![0-9a-f-]){number}(?![0-9a-f])", text) is not None
