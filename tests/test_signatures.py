"""Signed records: another key, another kind or another letter, and the signature is refused."""

from __future__ import annotations

import base64
import json
import os

import pytest

from cauce import signatures
from cauce.errors import DataRefused, MissingExtra, NotFound, UserError
from cauce.records import Record, Span
from cauce.signatures import Signed, check_signature, fingerprint, read_signed, sign, write_signed

NO_CRYPTOGRAPHY = "needs the packages of cauce[federated]"


class Promise(Record):
    """What is signed here."""

    text: str
    amount: float = 1.5


class Threat(Record):
    """The same fields under another name."""

    text: str
    amount: float = 1.5


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Private keys of two people, and their public lines."""
    pytest.importorskip("cryptography", reason=NO_CRYPTOGRAPHY)
    from cauce.federated.keys import new_keys

    folder = tmp_path_factory.mktemp("keys")
    for name in ("ana", "luis"):
        new_keys(name, folder)
    return {
        name: (folder / f"{name}.signing.pem", (folder / f"{name}.signing.pub").read_text())
        for name in ("ana", "luis")
    }


def test_what_was_signed_is_read_back(keys, tmp_path):
    private, public = keys["ana"]
    promise = Promise(text="mañana")
    write_signed(tmp_path / "promise.json", sign(promise, private))
    signed = read_signed(tmp_path / "promise.json", Signed[Promise])
    assert check_signature(signed, public, "it") == promise
    assert signatures.public_line(private) == public.rpartition(" ")[0]


def test_another_key_is_refused_and_named(keys):
    signed = sign(Promise(text="x"), keys["ana"][0])
    with pytest.raises(DataRefused) as refused:
        check_signature(signed, keys["luis"][1], "promise.json")
    first, second = str(refused.value).splitlines()
    assert first.startswith(
        f"promise.json was not signed by the key {fingerprint(keys['luis'][1])}"
    )
    assert second.startswith("Do not use it.")


@pytest.mark.parametrize("change", [{"text": "y"}, {"amount": 1.6}])
def test_a_changed_record_is_refused(keys, change):
    signed = sign(Promise(text="x"), keys["ana"][0])
    other = signed.model_copy(update={"content": signed.content.model_copy(update=change)})
    with pytest.raises(DataRefused, match="or was changed since"):
        check_signature(other, keys["ana"][1], "promise.json")


def test_every_bit_of_the_signature_counts(keys):
    signed = sign(Promise(text="x"), keys["ana"][0])
    content = base64.b64decode(signed.signature)
    for bit in range(0, 8 * len(content), 37):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        other = signed.model_copy(update={"signature": base64.b64encode(changed).decode()})
        with pytest.raises(DataRefused):
            check_signature(other, keys["ana"][1], "promise.json")
    for text in ("", "no base64", signed.signature + "\n", signed.signature[:-4]):
        other = signed.model_copy(update={"signature": text})
        with pytest.raises(DataRefused):
            check_signature(other, keys["ana"][1], "promise.json")


def test_a_signature_does_not_pass_for_one_of_another_kind(keys):
    signed = sign(Promise(text="x"), keys["ana"][0])
    threat = Signed(content=Threat(text="x"), signature=signed.signature)
    with pytest.raises(DataRefused):
        check_signature(threat, keys["ana"][1], "promise.json")


def test_a_file_that_holds_something_else_is_refused(keys, tmp_path):
    path = tmp_path / "promise.json"
    with pytest.raises(NotFound, match="no file"):
        read_signed(path, Signed[Promise])
    signed = sign(Promise(text="x"), keys["ana"][0])
    for content in ("", "{}", json.dumps({**signed.model_dump(), "more": 1}), '["\xff"]'):
        path.write_text(content, "latin-1")
        with pytest.raises(DataRefused, match="cannot be read"):
            read_signed(path, Signed[Promise])


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o777])
def test_a_private_key_that_others_can_open_is_not_used(keys, tmp_path, mode):
    path = tmp_path / "ana.signing.pem"
    path.write_bytes(keys["ana"][0].read_bytes())
    path.chmod(mode)
    with pytest.raises(UserError) as refused:
        sign(Promise(text="x"), path)
    assert f"(mode {mode:04o})" in str(refused.value)
    assert f"chmod 600 {path}" in str(refused.value).splitlines()[1]
    path.chmod(0o600)
    assert sign(Promise(text="x"), path).content.text == "x"


def test_other_keys_sign_nothing(keys, tmp_path):
    with pytest.raises(NotFound, match="no key"):
        sign(Promise(text="x"), tmp_path / "none.pem")
    folder = keys["ana"][0].parent
    for name in ("ana.tls.key", "ana.node"):
        with pytest.raises(UserError, match=r"is no signing key\.\n.*signing\.pem"):
            sign(Promise(text="x"), folder / name)
    for line in ((folder / "ana.node.pub").read_text(), "ssh-ed25519 AAAA", "nothing"):
        with pytest.raises(UserError, match=r"no public signing key.*\n.*signing\.pub"):
            check_signature(sign(Promise(text="x"), keys["ana"][0]), line, "promise.json")


def test_canonical_json_has_one_way_to_write_a_value():
    assert (
        signatures.canonical({"b": [1, 2.5, None], "a": "ñ"})
        == '{"a":"ñ","b":[1,2.5,null]}'.encode()
    )
    with pytest.raises(ValueError, match="not JSON compliant"):
        signatures.canonical({"loss": float("nan")})
    assert len(signatures.content_hash(Promise(text="x"))) == 64
    assert signatures.canonical(Span(1, 2)) == b"[1,2]"


def test_without_the_packages_the_command_for_them_is_named(monkeypatch, tmp_path):
    for name in ("cryptography.exceptions", "cryptography.hazmat.primitives.asymmetric.ed25519"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    for call in (
        lambda: signatures.read_signing_key(tmp_path / "ana.signing.pem"),
        lambda: signatures.is_public_key("ssh-ed25519 AAAA ana"),
    ):
        with pytest.raises(MissingExtra, match=r"pip install 'cauce\[federated\]'"):
            call()


def test_a_fingerprint_needs_no_package_and_two_words():
    blob = base64.b64encode(os.urandom(51)).decode()
    assert fingerprint(f"ssh-ed25519 {blob} ana") == fingerprint(f"ssh-ed25519 {blob}")
    for line in ("", "ssh-ed25519", "ssh-ed25519 **"):
        with pytest.raises(ValueError):
            fingerprint(line)
