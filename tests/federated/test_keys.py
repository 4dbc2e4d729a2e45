"""Keys: other programs read them, nobody else can, and none is ever written over."""

from __future__ import annotations

import shutil
import stat
import subprocess

import pytest

from cauce.errors import DataRefused, NotFound, UserError
from cauce.federated import keys

pytest.importorskip("cryptography", reason="needs the packages of cauce[federated]")


def output_of(*command: object) -> str:
    """What another program prints; skips where it is not installed."""
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"needs {command[0]}")
    return subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=True
    ).stdout


def test_private_keys_are_for_their_owner_alone(cast):
    folder = cast.root / "coordinator"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    private = {name for name, mode in modes.items() if mode == 0o600}
    assert private == {
        *("coordinator.node", "coordinator.signing.pem", "coordinator.tls.key"),
        *("ca.key", "server.key"),
    }
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in folder.iterdir():
        assert (path.name in private) == ("PRIVATE KEY" in path.read_text()), path


def test_the_node_key_is_one_of_openssh_on_the_curve_that_flower_asks_for(cast):
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    folder = cast.root / "hospital-a"
    key = load_ssh_private_key((folder / "hospital-a.node").read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert isinstance(key.curve, ec.SECP384R1)
    public = (folder / "hospital-a.node.pub").read_text()
    assert (
        output_of("ssh-keygen", "-y", "-f", folder / "hospital-a.node").split()
        == (public.split()[:2])
    )


def test_fingerprints_are_those_of_ssh_keygen_and_openssl(cast):
    rows = {row.file.rpartition("/")[2]: row for row in keys.show(cast.root / "coordinator")}
    assert set(rows) == {"ca.crt", "server.crt", "coordinator.node.pub", "coordinator.signing.pub"}
    for name, row in rows.items():
        if name.endswith(".pub"):
            assert row.fingerprint in output_of("ssh-keygen", "-l", "-f", row.file)
            assert (row.owner, row.expires) == ("coordinator", "")
        else:
            printed = output_of(
                *("openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", row.file)
            )
            assert printed.strip().rpartition("=")[2] == row.fingerprint
            assert row.expires > "2026"
    assert rows["ca.crt"].kind == "authority"
    assert rows["coordinator.node.pub"].kind == "node key"


def test_nothing_secret_is_shown(cast):
    folder = cast.root / "coordinator"
    shown = "".join(row.model_dump_json() for row in keys.show(folder))
    for path in folder.iterdir():
        if path.suffix in (".node", ".pem", ".key"):
            for line in path.read_text().splitlines()[1:-1]:
                assert line not in shown


def test_no_key_is_written_over(cast, tmp_path):
    shutil.copytree(cast.root / "coordinator", tmp_path, dirs_exist_ok=True)
    for left in ("coordinator.signing.pem", "coordinator.tls.csr"):
        before = {path: path.read_bytes() for path in tmp_path.iterdir()}
        with pytest.raises(UserError, match="keys are never overwritten"):
            keys.new_keys("coordinator", tmp_path)
        with pytest.raises(UserError, match="keys are never overwritten"):
            keys.new_authority("coordinator", tmp_path)
        assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
        for path in list(tmp_path.glob("coordinator.*")):
            if path.name != left:
                path.unlink()


@pytest.mark.parametrize("name", ["", "Hospital", "a b", "../a", "-a", "a-", "a" * 64, "a\n"])
def test_names_that_files_or_certificates_cannot_have_are_refused(tmp_path, name):
    with pytest.raises(UserError, match=r"cannot be the name.*\n.*hospital-a"):
        keys.new_keys(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_private_key_that_others_can_open_is_told(cast, tmp_path):
    shutil.copytree(cast.root / "hospital-a", tmp_path / "a")
    (tmp_path / "a" / "hospital-a.tls.key").chmod(0o644)
    with pytest.raises(UserError, match=r"hospital-a\.tls\.key is a private key that others"):
        list(keys.show(tmp_path / "a"))
    with pytest.raises(NotFound, match=r"no keys in .*\n.*keys new NAME"):
        list(keys.show(tmp_path))


def test_participants_are_read_by_name(cast, tmp_path):
    found = keys.participants(cast.root / "public")
    assert [one.name for one in found] == ["coordinator", "hospital-a", "hospital-b"]
    assert found[1].signing_key == cast.public("hospital-a").read_text().strip()
    shutil.copy(cast.public("hospital-a"), tmp_path)
    with pytest.raises(NotFound, match=r"no public key .*hospital-a\.node\.pub"):
        keys.participants(tmp_path)


@pytest.mark.parametrize(
    "line",
    ["", "ssh-ed25519", "ssh-ed25519 AAAA hospital-a", "ssh-ed25519 ñ hospital-a", "-----BEGIN"],
)
def test_a_file_that_is_no_public_key_is_told(cast, tmp_path, line):
    shutil.copytree(cast.root / "public", tmp_path, dirs_exist_ok=True)
    (tmp_path / "hospital-a.signing.pub").write_text(line)
    with pytest.raises(UserError, match="is not the signing key of hospital-a"):
        keys.participants(tmp_path)


def test_a_key_under_another_name_or_of_another_kind_is_told(cast, tmp_path):
    shutil.copytree(cast.root / "public", tmp_path, dirs_exist_ok=True)
    shutil.copy(cast.public("hospital-b"), tmp_path / "hospital-a.signing.pub")
    with pytest.raises(UserError, match="is not the signing key of hospital-a"):
        keys.participants(tmp_path)
    with pytest.raises(UserError, match="is a node key"):
        keys.signing_line(tmp_path / "hospital-a.node.pub")


def test_a_certificate_is_made_for_a_request(cast, tmp_path):
    request = cast.root / "hospital-a" / "hospital-a.tls.csr"
    path = keys.certify(request, cast.root / "coordinator", tmp_path)
    assert path == tmp_path / "hospital-a.tls.crt"
    [row] = keys.show(tmp_path)
    assert (row.kind, row.owner) == ("client certificate", "hospital-a")
    with pytest.raises(UserError, match="keys are never overwritten"):
        keys.certify(request, cast.root / "coordinator", tmp_path)
    with pytest.raises(NotFound, match=r"no request .*\n.*tls\.csr"):
        keys.certify(tmp_path / "none.csr", cast.root / "coordinator", tmp_path)


def test_a_request_that_was_changed_is_refused(cast, tmp_path):
    from base64 import b64decode, b64encode

    request = (cast.root / "hospital-a" / "hospital-a.tls.csr").read_text().splitlines()
    content = b64decode("".join(request[1:-1])).replace(b"hospital-a", b"hospital-z")
    path = tmp_path / "hospital-z.tls.csr"
    for body in (content, b"nothing"):
        path.write_text(f"{request[0]}\n{b64encode(body).decode()}\n{request[-1]}\n")
        with pytest.raises(DataRefused, match=r"is no request for a certificate.*\n.*tls\.csr"):
            keys.certify(path, cast.root / "coordinator", tmp_path)
