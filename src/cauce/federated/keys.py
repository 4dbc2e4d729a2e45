"""The keys that a participant needs, and the certificates of the coordinator.

    hospital-a.node         ECDSA P-384, OpenSSH: by it the SuperLink of Flower knows the SuperNode
    hospital-a.signing.pem  Ed25519, PKCS8: signs manifests, approvals and heads of audit logs
    hospital-a.tls.key      ECDSA P-384, PKCS8: for TLS, with the request for its certificate
    *.pub, *.tls.csr        their public halves, which go to the coordinator

The coordinator has these too, and the certificate authority of the job (`ca.key`, `ca.crt`) and
its server's certificate (`server.key`, `server.crt`). No private key ever leaves its folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import Field

from cauce.errors import NotFound, UserError
from cauce.federated import certificates
from cauce.federated.certificates import Issued
from cauce.records import Record
from cauce.runs import sync_directory
from cauce.signatures import fingerprint, is_public_key, require_private

NAME_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
"""Of a participant: a name that files, certificates and DNS all take."""
SERVER_ADDRESSES = ("127.0.0.1", "localhost")
NODE_ALGORITHM = "ecdsa-sha2-nistp384"
SIGNING_ALGORITHM = "ssh-ed25519"
_KINDS = {NODE_ALGORITHM: "node key", SIGNING_ALGORITHM: "signing key"}
_PRIVATE = (".node", ".pem", ".key")


class Participant(Record):
    """A site or the coordinator, by its public keys."""

    name: str = Field(pattern=NAME_PATTERN)
    node_key: str = Field(pattern=rf"^{NODE_ALGORITHM} [A-Za-z0-9+/=]+ \S+$")
    """Line of OpenSSH: `ecdsa-sha2-nistp384 AAAA... NAME`."""
    signing_key: str = Field(pattern=rf"^{SIGNING_ALGORITHM} [A-Za-z0-9+/=]+ \S+$")
    """Line of OpenSSH: `ssh-ed25519 AAAA... NAME`."""


class KeyFile(Record):
    """What anybody may know of a key or certificate."""

    file: str
    kind: str
    owner: str
    fingerprint: str
    """As `ssh-keygen -lf` prints for keys, and `openssl x509 -fingerprint` for certificates."""
    expires: str = ""
    """ISO 8601, of certificates."""


def new_keys(name: str, folder: Path) -> list[Path]:
    """Makes a participant's keys in the folder; the files, private ones first.

    Raises UserError for a name that is none and where one of the files is there already.
    """
    _check_name(name)
    node_private, node_public = _node_key(name)
    signing_private, signing_public = _signing_key(name)
    tls_private, tls_request = certificates.new_request(name)
    return _write_new(
        folder,
        {
            f"{name}.node": node_private,
            f"{name}.signing.pem": signing_private,
            f"{name}.tls.key": tls_private,
            f"{name}.node.pub": node_public,
            f"{name}.signing.pub": signing_public,
            f"{name}.tls.csr": tls_request,
        },
    )


def new_authority(
    name: str, folder: Path, addresses: Sequence[str] = SERVER_ADDRESSES
) -> list[Path]:
    """Makes the job's certificate authority and its server's certificate for the addresses.

    Addresses are names of DNS or IP. Raises UserError as `new_keys` does.
    """
    _check_name(name)
    ca = certificates.new_authority(name)
    server = certificates.new_server(ca, addresses)
    return _write_new(
        folder,
        {
            "ca.key": ca.key,
            "server.key": server.key,
            "ca.crt": ca.certificate,
            "server.crt": server.certificate,
        },
    )


def certify(request_file: Path, ca_folder: Path, folder: Path) -> Path:
    """The client certificate for a participant's request, written into the folder.

    Raises NotFound, and UserError where the request is none or a certificate is there already.
    """
    if not request_file.is_file():
        raise NotFound(f"no request {request_file}.\nName a file that ends with .tls.csr.")
    require_private(ca_folder / "ca.key")
    ca = Issued((ca_folder / "ca.key").read_bytes(), (ca_folder / "ca.crt").read_bytes())
    name, certificate = certificates.answer_request(request_file, ca)
    _check_name(name)
    [path] = _write_new(folder, {f"{name}.tls.crt": certificate})
    return path


def show(folder: Path) -> Iterator[KeyFile]:
    """The public keys and certificates of the folder; nothing secret is read.

    Raises NotFound where there is none, and UserError where others can open a private key.
    """
    files = sorted(path for path in folder.glob("*") if path.suffix in (".pub", ".crt"))
    if not files:
        raise NotFound(
            f"no keys in {folder}.\nMake some with: cauce federated keys new NAME --out {folder}"
        )
    for path in folder.glob("*"):
        if path.suffix in _PRIVATE:
            require_private(path)
    for path in files:
        if path.suffix == ".crt":
            yield KeyFile(file=str(path), **certificates.describe(path)._asdict())
            continue
        line = _public_line(path)
        yield KeyFile(
            file=str(path),
            kind=_KINDS[line.split()[0]],
            owner=line.split()[2],
            fingerprint=fingerprint(line),
        )


def participants(folder: Path) -> list[Participant]:
    """Everyone whose public keys stand in the folder, by name; NotFound where one is missing."""
    names = {path.name.split(".")[0] for path in folder.glob("*.pub")}
    return [
        Participant(
            name=name,
            node_key=_public_line(folder / f"{name}.node.pub"),
            signing_key=_public_line(folder / f"{name}.signing.pub"),
        )
        for name in sorted(names)
    ]


def signing_line(path: Path) -> str:
    """The public signing key in the file; raises NotFound, or UserError where it is another."""
    line = _public_line(path)
    if not line.startswith(SIGNING_ALGORITHM):
        raise UserError(f"{path} is a node key.\nName the file that ends with .signing.pub.")
    return line


def _public_line(path: Path) -> str:
    """The file's one line, checked to be the public key that its name says."""
    if not path.is_file():
        raise NotFound(f"no public key {path}.\nAsk its owner for that file.")
    line = path.read_text("utf-8", errors="replace").strip()
    name, _, _ = path.name.partition(".")
    algorithm = NODE_ALGORITHM if path.name.endswith(".node.pub") else SIGNING_ALGORITHM
    words = line.split()
    if len(words) != 3 or (words[0], words[2]) != (algorithm, name) or not is_public_key(line):
        raise UserError(
            f"{path} is not the {_KINDS[algorithm]} of {name}: {line[:40]!r}\n"
            f"Ask its owner for the file again; it is one line, {algorithm} AAAA... {name}"
        )
    return line


def _check_name(name: str) -> None:
    if not re.fullmatch(NAME_PATTERN, name):
        raise UserError(
            f"{name!r} cannot be the name of a participant.\n"
            "Use lower-case letters, digits and hyphens, 63 at most: hospital-a"
        )


def _write_new(folder: Path, files: dict[str, bytes]) -> list[Path]:
    """Writes all of the files or, where one is there already, none of them."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    paths = [folder / name for name in files]
    for path in paths:
        if path.exists():
            raise UserError(
                f"{path} is there already, and keys are never overwritten.\n"
                "Name another folder, or move that file away first."
            )
    for path, content in zip(paths, files.values(), strict=True):
        mode = 0o600 if path.suffix in _PRIVATE else 0o644
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    sync_directory(folder)
    return paths


def _node_key(name: str) -> tuple[bytes, bytes]:
    """Private and public half of a new node key."""
    key = certificates.new_key()
    from cryptography.hazmat.primitives import serialization as files

    private = key.private_bytes(
        files.Encoding.PEM, files.PrivateFormat.OpenSSH, files.NoEncryption()
    )
    public = key.public_key().public_bytes(files.Encoding.OpenSSH, files.PublicFormat.OpenSSH)
    return private, public + f" {name}\n".encode()


def _signing_key(name: str) -> tuple[bytes, bytes]:
    """Private and public half of a new signing key."""
    from cryptography.hazmat.primitives import serialization as files
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(files.Encoding.OpenSSH, files.PublicFormat.OpenSSH)
    return certificates.private_pem(key), public + f" {name}\n".encode()
