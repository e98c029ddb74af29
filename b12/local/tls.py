"""Certificates of the local broker: one authority, one certificate for the broker, one for the platform's clients.

The broker's properties and the sites' passwords do not belong here.
"""

import ipaddress
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from contracts.errors import EnvironmentProblem
from lake import settings_file

AUTHORITY_LIFE = timedelta(days=20 * 365)
"""Every lab's config holds the authority: a new one means a new file for every lab."""
LIFE = timedelta(days=825)
RENEW_BEFORE = timedelta(days=120)
"""A certificate with less left is replaced at the next start of the broker."""

_WAY_OUT = (
    "restore the pair from your backup of the secrets, or delete both for a new authority; every lab then needs its"
    " file from secrets/sites again"
)

Key = ec.EllipticCurvePrivateKey


def ensure(directory: Path, hosts: Iterable[str]) -> None:
    """Make or renew the files in `directory`: `ca.pem`, `broker.pem`, `internal.crt.pem`, `internal.key.pem`.

    EnvironmentProblem when the authority is there by half, or a file is none of these.

    `hosts` are the names and addresses, beside the loopback ones, under which the broker is reached. The
    authority's own key stays in `ca.key.pem`. All are of mode 0600.
    """
    authority, key = _authority(directory)
    names = sorted({"localhost", "127.0.0.1", "::1", *hosts})
    if not _current(directory / "broker.pem", authority, names):
        certificate, own = _issue(authority, key, "b12-broker", names)
        chain = _pem(certificate) + _pem(authority)
        settings_file.write_bytes(directory / "broker.pem", _key_pem(own) + chain, settings_file.SECRET)
    if not _current(directory / "internal.crt.pem", authority, []):
        certificate, own = _issue(authority, key, "b12-internal", [])
        settings_file.write_bytes(directory / "internal.key.pem", _key_pem(own), settings_file.SECRET)
        settings_file.write_bytes(directory / "internal.crt.pem", _pem(certificate), settings_file.SECRET)


def _authority(directory: Path) -> tuple[x509.Certificate, Key]:
    path, key_path = directory / "ca.pem", directory / "ca.key.pem"
    if path.exists() and key_path.exists():
        try:
            key = serialization.load_pem_private_key(key_path.read_bytes(), None)
            assert isinstance(key, Key)  # noqa: S101 - this module made it
            return x509.load_pem_x509_certificate(path.read_bytes()), key
        except ValueError:
            raise EnvironmentProblem(f"{path} or {key_path} is damaged: {_WAY_OUT}") from None
    for there, gone in ((path, key_path), (key_path, path)):
        if there.exists():
            raise EnvironmentProblem(f"{gone} is gone, though {there} is there: {_WAY_OUT}")
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("b12-registry authority")
    builder = (
        _builder(name, name, key.public_key(), AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
    )
    certificate = builder.sign(key, hashes.SHA256())
    settings_file.write_bytes(key_path, _key_pem(key), settings_file.SECRET)
    settings_file.write_bytes(path, _pem(certificate), settings_file.SECRET)
    return certificate, key


def _issue(authority: x509.Certificate, key: Key, common_name: str, hosts: list[str]) -> tuple[x509.Certificate, Key]:
    own = ec.generate_private_key(ec.SECP256R1())
    # The broker is a client too: of its own controller and internal listener.
    purposes = [ExtendedKeyUsageOID.CLIENT_AUTH] + ([ExtendedKeyUsageOID.SERVER_AUTH] if hosts else [])
    builder = (
        _builder(_name(common_name), authority.subject, own.public_key(), LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName([_host(h) for h in hosts]), critical=False)
    return builder.sign(key, hashes.SHA256()), own


def _current(path: Path, authority: x509.Certificate, hosts: list[str]) -> bool:
    """Is the certificate in `path` this authority's, for these hosts, and good for a while yet?"""
    if not path.exists():
        return False
    try:
        certificate = x509.load_pem_x509_certificates(path.read_bytes())[0]
    except ValueError:
        return False  # damaged, so it is made anew
    if certificate.not_valid_after_utc - datetime.now(UTC) < RENEW_BEFORE or certificate.issuer != authority.subject:
        return False
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return not hosts
    return set(names) == {_host(h) for h in hosts}


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, life: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # a lab's clock may be behind
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
