"""Certificates: two independent verifiers accept them, and refuse each for what it is not for."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cauce.errors import DataRefused, UserError
from cauce.federated import certificates, keys

pytest.importorskip("cryptography", reason="needs the packages of cauce[federated]")


@pytest.fixture(scope="module")
def folder(cast, tmp_path_factory) -> Path:
    """Certificates of the server and of a client, and a second authority beside them."""
    folder = tmp_path_factory.mktemp("certificates")
    request = cast.root / "hospital-a" / "hospital-a.tls.csr"
    keys.certify(request, cast.root / "coordinator", folder)
    keys.new_authority("stranger", folder / "stranger", ["127.0.0.1"])
    return folder


def shake_hands(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> dict[str, object]:
    """What the server knows of its client after a TLS handshake in memory."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    caller = client.wrap_bio(back, there, server_hostname=name)
    called = server.wrap_bio(there, back, server_side=True)
    for _ in range(6):
        for side in (caller, called):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    called.version()
    return dict(called.getpeercert() or {})


def server_context(folder: Path, ca: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    context.load_verify_locations(ca)
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def client_context(ca: Path, certificate: Path | None, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(ca)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    if certificate:
        context.load_cert_chain(certificate, key)
    return context


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost"])
def test_server_and_client_know_each_other(cast, folder, address):
    ours, key = cast.root / "coordinator", cast.root / "hospital-a" / "hospital-a.tls.key"
    client = client_context(ours / "ca.crt", folder / "hospital-a.tls.crt", key)
    peer = shake_hands(client, server_context(ours, ours / "ca.crt"), address)
    assert peer["subject"] == ((("commonName", "hospital-a"),),)


def test_strangers_and_wrong_names_are_refused(cast, folder):
    ours, theirs = cast.root / "coordinator", folder / "stranger"
    key = cast.root / "hospital-a" / "hospital-a.tls.key"
    mine = client_context(ours / "ca.crt", folder / "hospital-a.tls.crt", key)
    server = server_context(ours, ours / "ca.crt")
    with pytest.raises(ssl.SSLError, match="IP address mismatch"):
        shake_hands(mine, server, "127.0.0.2")
    with pytest.raises(ssl.SSLError, match=r"unable to get local issuer|self-signed"):
        shake_hands(mine, server_context(theirs, ours / "ca.crt"), "127.0.0.1")
    nobody = client_context(ours / "ca.crt", None, key)
    with pytest.raises(ssl.SSLError, match=r"(?i)peer did not return a certificate"):
        shake_hands(nobody, server, "127.0.0.1")
    with pytest.raises(ssl.SSLError, match=r"unsuitable certificate purpose|unsupported"):
        server_as_client = client_context(ours / "ca.crt", ours / "server.crt", ours / "server.key")
        shake_hands(server_as_client, server, "127.0.0.1")


def test_a_second_verifier_accepts_the_server(cast):
    from cryptography import x509
    from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

    folder = cast.root / "coordinator"
    ca, server = (
        x509.load_pem_x509_certificate((folder / name).read_bytes())
        for name in ("ca.crt", "server.crt")
    )
    builder = PolicyBuilder().store(Store([ca])).time(datetime.now(UTC))
    chain = builder.build_server_verifier(x509.DNSName("localhost")).verify(server, [])
    assert chain == [server, ca]
    with pytest.raises(VerificationError):
        builder.build_server_verifier(x509.DNSName("example")).verify(server, [])


def test_the_authority_signs_leaves_only_and_a_leaf_signs_nothing(cast, folder):
    from cryptography import x509

    for path, signs in (
        (cast.root / "coordinator" / "ca.crt", True),
        (cast.root / "coordinator" / "server.crt", False),
        (folder / "hospital-a.tls.crt", False),
    ):
        found = x509.load_pem_x509_certificate(path.read_bytes()).extensions
        constraints = found.get_extension_for_class(x509.BasicConstraints)
        usage = found.get_extension_for_class(x509.KeyUsage)
        assert constraints.critical and usage.critical
        assert constraints.value == x509.BasicConstraints(signs, 0 if signs else None)
        assert (usage.value.key_cert_sign, usage.value.digital_signature) == (signs, not signs)


def test_they_hold_for_a_sensible_time(cast):
    from cryptography import x509

    now = datetime.now(UTC)
    for name, days in (("ca.crt", 5 * 365), ("server.crt", 397)):
        found = x509.load_pem_x509_certificate((cast.root / "coordinator" / name).read_bytes())
        assert timedelta(0) < now - found.not_valid_before_utc < timedelta(hours=1)
        assert abs(found.not_valid_after_utc - now - timedelta(days=days)) < timedelta(hours=1)


@pytest.mark.parametrize("address", ["https://flower", "flower:8443", "a b", "ñ", ""])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(UserError, match=r"is no address of a server\.\n.*without https"):
        certificates.new_server(certificates.new_authority("x"), [address])


def test_no_address_is_refused():
    with pytest.raises(UserError, match="a server needs an address"):
        certificates.new_server(certificates.new_authority("x"), [])


def test_a_file_that_is_no_certificate_is_refused(tmp_path):
    path = tmp_path / "ca.crt"
    path.write_text("nothing")
    with pytest.raises(DataRefused, match=r"is no certificate.*\n"):
        certificates.describe(path)
