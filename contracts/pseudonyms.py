"""Keyed hashes that stand for every identifier a site sends.

Only a lab that holds its own site key can turn a pseudonym back, by hashing the codes it knows.
The known-answer vectors in the tests are part of the contract: changing this file changes every release.
"""

import uuid
from collections.abc import Iterable
from hashlib import blake2b
from typing import Literal

Role = Literal["subject", "id", "record", "mother", "scan", "content"]

_PERSON = {role: b"b12." + role.encode() for role in ("subject", "id", "record", "mother", "scan", "content")}


def site_key(secret: bytes, site: str) -> bytes:
    """The 64-byte key of one site, derived from the platform's secret. It never changes for a site."""
    return blake2b(site.encode(), key=secret).digest()


def pseudonym(key: bytes, role: Role, value: str) -> bytes:
    """Sixteen bytes that stand for `value` in `role`: a subject 17 and a record 17 never meet."""
    return blake2b(value.strip().encode(), key=key, digest_size=16, person=_PERSON[role]).digest()


def digests(key: bytes, role: Role, values: Iterable[bytes]) -> list[bytes]:
    """Sixteen bytes for each of these values, encoded and without spaces around them: pseudonym() in half the time."""
    start = blake2b(key=key, digest_size=16, person=_PERSON[role]).copy  # the key is a block of its own to hash
    found = []
    for value in values:
        state = start()
        state.update(value)
        found.append(state.digest())
    return found


def content_digest(key: bytes, content: bytes) -> bytes:
    """Sixteen bytes that are equal exactly when two deliveries of one site say the same."""
    return blake2b(content, key=key, digest_size=16, person=_PERSON["content"]).digest()


def fingerprint(secret: bytes) -> str:
    """What the lake keeps of the secret, so that a worker with another secret refuses to start."""
    return blake2b(b"fingerprint", key=secret, digest_size=16, person=b"b12.secret").hexdigest()


def tombstone(key: bytes, subject: bytes) -> bytes:
    """Sixteen bytes by which a subject's pseudonym is known again once it is erased, and from which nobody makes it.

    The key is another than that of the pseudonyms.
    """
    return blake2b(subject, key=key, digest_size=16, person=b"b12.tombstone").digest()


def halves(digest: bytes) -> tuple[int, int]:
    """The two signed 64-bit integers, high half first, that hold a pseudonym in the lake."""
    return (
        int.from_bytes(digest[:8], "big", signed=True),
        int.from_bytes(digest[8:], "big", signed=True),
    )


def joined(high: int, low: int) -> bytes:
    """The pseudonym that these are the halves of."""
    return high.to_bytes(8, "big", signed=True) + low.to_bytes(8, "big", signed=True)


def as_uuid(digest: bytes) -> uuid.UUID:
    """The same pseudonym as a release shows it."""
    return uuid.UUID(bytes=digest)
