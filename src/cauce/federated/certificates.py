"""The certificates of a job (X.509, RFC 5280): an authority of its own, a server, its clients.

All keys are ECDSA P-384. The authority signs leaves only (`pathlen:0`), a leaf signs nothing, and
a server's certificate does not pass for a client's.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from cauce.errors import DataRefused, MissingExtra, UserError

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import (
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
    )
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

AUTHORITY_DAYS = 5 * 365
LEAF_DAYS = 397
"""A year and a month, so that a yearly renewal is never late."""
_LATE_CLOCK = timedelta(minutes=5)
"""Certificates hold from that long before they were made, for machines whose clock is behind."""


class Issued(NamedTuple):
    """A private key and the certificate of its public half, both PEM."""

    key: bytes
    certificate: bytes


class Described(NamedTuple):
    """What anybody may know of a certificate."""

    kind: str
    owner: str
    fingerprint: str
    """SHA-256, as `openssl x509 -fingerprint -sha256` prints it."""
    expires: str
    """ISO 8601."""


def new_key() -> EllipticCurvePrivateKey:
    """A new private key of ECDSA P-384; MissingExtra where it cannot be made."""
    try:
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError as error:
        raise MissingExtra("cauce federated", "federated") from error
    return ec.generate_private_key(ec.SECP384R1())


def private_pem(key: EllipticCurvePrivateKey | Ed25519PrivateKey) -> bytes:
    """The key as PKCS8 PEM, without a password."""
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def new_authority(name: str) -> Issued:
    """An authority that signs for the participants of one job."""
    key = new_key()
    from cryptography import x509

    subject = _subject(f"{name} authority")
    builder = (
        _builder(key.public_key(), days=AUTHORITY_DAYS)
        .subject_name(subject)
        .issuer_name(subject)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage("certificates"), critical=True)
    )
    return Issued(private_pem(key), _signed(builder, key))


def new_server(ca: Issued, addresses: Sequence[str]) -> Issued:
    """A server's key and certificate, good for the addresses (names of DNS or IP).

    Raises UserError where there is no address.
    """
    if not addresses:
        raise UserError("a server needs an address, and none was given.\nAdd: --address NAME")
    key = new_key()
    return Issued(private_pem(key), _leaf(ca, key.public_key(), addresses[0], addresses=addresses))


def new_request(name: str) -> tuple[bytes, bytes]:
    """A new private key and the request for its certificate, both PEM."""
    key = new_key()
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding

    builder = x509.CertificateSigningRequestBuilder().subject_name(_subject(name))
    return private_pem(key), builder.sign(key, hashes.SHA384()).public_bytes(Encoding.PEM)


def answer_request(request: Path, ca: Issued) -> tuple[str, bytes]:
    """The name in the request, and a client's certificate (PEM) for it.

    Only the name and the key of the request are used: nothing else that it asks for is granted.
    Raises DataRefused where it is no request.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

    try:
        asked = x509.load_pem_x509_csr(request.read_bytes())
        key, name = asked.public_key(), _common_name(asked.subject)
        if not asked.is_signature_valid or not isinstance(key, EllipticCurvePublicKey):
            raise ValueError("it is not signed by its own key of ECDSA")
    except ValueError as error:
        raise DataRefused(
            f"{request} is no request for a certificate: {error}\n"
            "Ask for the file NAME.tls.csr that `cauce federated keys new` made."
        ) from error
    return name, _leaf(ca, key, name)


def describe(path: Path) -> Described:
    """What the certificate in the file says; DataRefused where it holds none."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        kind, owner = _kind_of(certificate), _common_name(certificate.subject)
    except (ValueError, x509.ExtensionNotFound) as error:
        raise DataRefused(
            f"{path} is no certificate of cauce: {error}\nAsk whoever sent it for the file again."
        ) from error
    return Described(
        kind,
        owner,
        certificate.fingerprint(hashes.SHA256()).hex(":").upper(),
        certificate.not_valid_after_utc.isoformat().replace("+00:00", "Z"),
    )


def _kind_of(certificate: x509.Certificate) -> str:
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    found = certificate.extensions
    if found.get_extension_for_class(x509.BasicConstraints).value.ca:
        return "authority"
    usage = found.get_extension_for_class(x509.ExtendedKeyUsage).value
    side = "server" if ExtendedKeyUsageOID.SERVER_AUTH in usage else "client"
    return f"{side} certificate"


def _leaf(
    ca: Issued, key: EllipticCurvePublicKey, name: str, *, addresses: Sequence[str] = ()
) -> bytes:
    """A certificate of a server where there are addresses, else of a client."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from cryptography.x509.oid import ExtendedKeyUsageOID

    ca_key = load_pem_private_key(ca.key, password=None)
    assert isinstance(ca_key, EllipticCurvePrivateKey)
    ca_certificate = x509.load_pem_x509_certificate(ca.certificate)
    names = [_alternative_name(address) for address in addresses or (name,)]
    usage = ExtendedKeyUsageOID.SERVER_AUTH if addresses else ExtendedKeyUsageOID.CLIENT_AUTH
    builder = (
        _builder(key, days=LEAF_DAYS)
        .subject_name(_subject(name))
        .issuer_name(ca_certificate.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage("handshakes"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()),
            critical=False,
        )
    )
    return _signed(builder, ca_key)


def _builder(key: EllipticCurvePublicKey, *, days: int) -> x509.CertificateBuilder:
    from cryptography import x509

    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _LATE_CLOCK)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _signed(builder: x509.CertificateBuilder, key: EllipticCurvePrivateKey) -> bytes:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding

    return builder.sign(key, hashes.SHA384()).public_bytes(Encoding.PEM)


def _key_usage(signs: Literal["certificates", "handshakes"]) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=signs == "handshakes",
        key_cert_sign=signs == "certificates",
        crl_sign=signs == "certificates",
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative_name(address: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(address))
    except ValueError:
        if not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", address):
            raise UserError(
                f"{address!r} is no address of a server.\n"
                "Give a name or an IP, without https:// and port: flower.hospital.example"
            ) from None
        return x509.DNSName(address)


def _subject(name: str) -> x509.Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _common_name(subject: x509.Name) -> str:
    """The one common name; ValueError where there is none, or more than one."""
    from cryptography.x509.oid import NameOID

    [attribute] = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(attribute.value)
