"""Known answers: whoever changes these changes every key in every lake and release.

Made once with hashlib alone, after the sentence in the design: site_key = blake2b(site, key=secret), pseudonym =
blake2b(value without spaces around it, key=site_key, digest_size=16, person="b12." + role).
"""

import uuid

import pytest

from contracts.pseudonyms import as_uuid, content_digest, fingerprint, halves, pseudonym, site_key

SECRET = bytes(range(32))
KEY = bytes.fromhex(
    "52548055f142365f0cbecb0157fd0560fe31823cc0728d85483c9960d73b11bf"
    "c224212c3b920e348222e932ce778386c7e79b96fda50e98db166941fbbd31ed"
)


def test_the_key_of_a_site() -> None:
    assert site_key(SECRET, "BLR01") == KEY


@pytest.mark.parametrize(
    ("role", "value", "digest"),
    [
        ("subject", "BLR-0042", "08023a1c2312b89a366ec0f1549845fa"),
        ("id", "BLR-0042", "8dacb4aa800c79f4bb99410d9545d1c8"),
        ("record", "BLR-0042", "438c1d57a18a649f3e86a661d190889b"),
        ("mother", "M-0042", "3f5591658fbdd22a5a5f5f0ddd0448be"),
        ("scan", "S-0042-1", "aa768e12576968c4d2036ed435e81fba"),
        ("subject", "17", "633dc68a9c7cf99807c4c6ce8916f873"),
        ("record", "17", "dd2d50b259e9a9245cc464b6a748ab7a"),
        ("id", "\u00e4\U0001f600", "1a04618e344a33e5bdea1f557328d4ec"),
    ],
)
def test_the_pseudonym_of_a_value_in_a_role(role: str, value: str, digest: str) -> None:
    assert pseudonym(KEY, role, value).hex() == digest


def test_another_site_has_another_pseudonym_for_the_same_value() -> None:
    assert pseudonym(site_key(SECRET, "DEL02"), "subject", "BLR-0042").hex() == "aa83c1c4b71591172dad4e6e2d291ad9"


def test_spaces_around_a_value_change_nothing() -> None:
    assert pseudonym(KEY, "subject", " 17\n").hex() == "633dc68a9c7cf99807c4c6ce8916f873"


def test_content_has_a_role_of_its_own() -> None:
    assert content_digest(KEY, b"{}").hex() == "89f51fbe6730106d5fe2b1a5a3827e0c"


def test_the_fingerprint_of_a_secret() -> None:
    assert fingerprint(SECRET) == "9cbf368911220b390db7aff2a772db69"


def test_the_lake_keeps_two_signed_integers_and_a_release_one_uuid() -> None:
    digest = bytes.fromhex("ffffffffffffffff0000000000000001")
    assert halves(digest) == (-1, 1)
    assert halves(bytes.fromhex("80000000000000007fffffffffffffff")) == (-(2**63), 2**63 - 1)
    assert as_uuid(digest) == uuid.UUID("ffffffff-ffff-ffff-0000-000000000001")
