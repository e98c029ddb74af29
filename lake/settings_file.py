"""Small TOML files that the platform writes for itself and for labs: read whole, written atomically.

What the files mean does not belong here.
"""

import os
import re
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contracts.errors import EnvironmentProblem

SECRET = 0o600
"""Only the owner reads it."""
PUBLIC = 0o644


def read(path: Path) -> dict[str, Any]:
    """The table that `path` holds; EnvironmentProblem when it is not readable TOML. A missing file is an error."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        # A decoding error quotes the line it stumbled over, which may hold a password: name the file alone.
        raise EnvironmentProblem(
            f"{path} cannot be read as TOML ({type(error).__name__}); mend it or restore it from a backup"
        ) from None


def write(path: Path, table: Mapping[str, Any], mode: int = PUBLIC) -> None:
    """Replace `path` by `table`: strings, integers, booleans, lists of strings, and tables of these."""
    write_bytes(path, dumps(table).encode(), mode)


def write_bytes(path: Path, content: bytes, mode: int = PUBLIC) -> None:
    """Replace `path` in one step, so that a reader or a crash sees the old content or the new, never a part."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)  # mkstemp makes it 0600: never wider than asked, not for a moment
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def dumps(table: Mapping[str, Any]) -> str:
    """TOML text of `table`: its plain values first, then its sub-tables."""
    lines = [f"{_key(key)} = {_value(value)}" for key, value in table.items() if not isinstance(value, Mapping)]
    for key, value in table.items():
        if isinstance(value, Mapping):
            lines += ["", f"[{_key(key)}]", *(f"{_key(name)} = {_value(item)}" for name, item in value.items())]
    return "\n".join(lines).lstrip("\n") + "\n"


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _text(key)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    raise TypeError(f"a settings file holds no {type(value).__name__}")


def _text(text: str) -> str:
    escapes = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    plain = (escapes.get(c) or (f"\\u{ord(c):04x}" if ord(c) < 32 or ord(c) == 127 else c) for c in text)
    return '"' + "".join(plain) + '"'
