"""Where the stack's processes listen on this machine alone: Unix sockets of the owner's.

Ports belong to ports.py.
"""

import hashlib
import os
import tempfile
from pathlib import Path

from lake.home import Home

_LONGEST_PATH = 100
"""Bytes: a Unix socket's path has room for 104 on macOS, 108 on Linux."""


def path(home: Home, process: str) -> Path:
    """Where `process` listens: in the home, or with the temporary files where that path is too long."""
    own = home.run / f"{process}.sock"
    if len(bytes(own)) <= _LONGEST_PATH:
        return own
    digest = hashlib.blake2b(bytes(home.path), digest_size=8).hexdigest()
    return Path(tempfile.gettempdir()) / f"b12-{os.getuid()}-{digest}-{process}.sock"
