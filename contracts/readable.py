"""Types that any thread may be the first to read. What they mean stands where they are written.

msgspec works out a Struct at its first use, and keeps it in sight of other threads before it is done: two threads that
read the same type for the first time at once end the whole process (SIGSEGV, msgspec 0.22). A `Decoder` made at import
works its type out then; a type that only `msgspec.convert` reads is marked `readable`.
"""

from typing import TypeVar

import msgspec

_Type = TypeVar("_Type", bound=type[msgspec.Struct])


def readable(type_: _Type) -> _Type:
    """The class itself, worked out: a decorator of Structs that `msgspec.convert` reads."""
    msgspec.json.Decoder(type_)
    return type_
