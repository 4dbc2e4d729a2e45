"""Sites reached through Flower: the same bits as in one process, and nobody else is let in."""

import math
import os
import shutil
import signal
import socket
import ssl
import threading
import time
from contextlib import nullcontext
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

import processes
from cauce.errors import NotFound, UserError
from cauce.federated import keys
from cauce.federated.messages import read
from federated.fixtures import settings

if find_spec("flwr") is None:
    pytest.skip("needs the packages of cauce[federated]", allow_module_level=True)

import httpx

from cauce.federated.flower import FlowerSites, flower_coordinator, node, payload, run_site
from cauce.federated.flower.pace import Pace
from cauce.federated.flower.sites import Patience
from federated import far

SCRIPT = Path(far.__file__)


def free_address():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


# How long a site may take.


def test_a_slow_site_is_measured_by_its_own_pace():
    pace = Pace()
    pace.learn({"este": 10.0, "norte": 12.0, "sur": 50.0})
    done = {"este": 5.0, "norte": 6.0}
    assert pace.allowed_s("sur", done, 3) == pytest.approx(50 / 12 * 18)
    assert pace.allowed_s("este", done, 3) < 18


def test_nobody_is_late_before_its_pace_is_known_and_half_are_done():
    pace = Pace()
    assert pace.allowed_s("sur", {"este": 1.0, "norte": 1.0}, 3) == math.inf
    pace.learn({"este": 1.0, "norte": 1.0, "sur": 1.0, "oeste": 1.0})
    assert pace.allowed_s("sur", {"este": 1.0}, 4) == math.inf
    assert pace.allowed_s("sur", {"este": 1.0, "norte": 1.0}, 4) == 3.0
    assert pace.allowed_s("sur", {"este": 1.0, "norte": 2.0, "oeste": 9.0}, 4) > 9.0


# Asking, over nodes that do as the test says.


class Nodes:
    """Nodes that answer at once with what they were told, unless they are deaf."""

    def __init__(self, since, deaf=()):
        self.since, self.deaf = dict(since), set(deaf)
        self.run = SimpleNamespace(run_id=1)
        self.inbox, self.asked, self.failing = {}, [], None

    def get_nodes(self):
        return [
            SimpleNamespace(node_id=number, last_activated_at=at)
            for number, at in self.since.items()
        ]

    def push_messages(self, messages):
        for message in messages:
            number = message.metadata.dst_node_id
            self.asked.append(number)
            name = str(len(self.asked))
            message.metadata.__dict__["_message_id"] = name
            if number not in self.deaf:
                self.inbox[name] = message
            yield name

    def pull_messages(self, names):
        for name in names:
            if (message := self.inbox.pop(name, None)) is not None:
                reply = payload.reply_message(payload.content_of(message), message)
                if self.failing is not None:
                    reply = payload.Message(self.failing, reply_to=message)
                yield reply


def reach(nodes, *, silent_s=0.3, arrival_s=0.6, lines=None):
    return FlowerSites(
        lambda: nullcontext(nodes),
        {"este": 1, "sur": 2},
        Patience(silent_s, arrival_s),
        progress=[].append if lines is None else lines.append,
    )


TASKS = {"este": b"e", "sur": b"s"}


def test_a_site_that_fell_silent_is_left_out_and_named():
    nodes, lines = Nodes({1: "a", 2: "a"}, deaf={2}), []
    sites = reach(nodes, lines=lines)
    asking = sites.ask(TASKS)
    assert next(asking) == ("este", b"e")
    del nodes.since[2]
    start = time.monotonic()
    assert list(asking) == []
    assert 0.2 < time.monotonic() - start < 2
    assert lines == ["sur is not heard of any more"]
    assert dict(sites.ask(TASKS)) == {"este": b"e"}


def test_a_site_that_never_came_is_waited_for_longer():
    start = time.monotonic()
    assert dict(reach(Nodes({1: "a"})).ask(TASKS)) == {"este": b"e"}
    assert time.monotonic() - start > 0.5


def test_a_site_that_came_back_is_asked_again_in_the_same_round():
    nodes = Nodes({1: "a", 2: "a"}, deaf={2})
    asking = reach(nodes, silent_s=5).ask(TASKS)
    assert next(asking) == ("este", b"e")
    nodes.since[2], nodes.deaf = "b", set()
    assert list(asking) == [("sur", b"s")]
    assert nodes.asked == [1, 2, 2]


def test_a_site_far_behind_its_pace_is_not_waited_for():
    nodes = Nodes({1: "a", 2: "a"})
    sites = reach(nodes)
    assert dict(sites.ask(TASKS)) == TASKS
    nodes.deaf = {2}
    assert dict(sites.ask(TASKS)) == {"este": b"e"}


def test_the_end_reaches_a_site_that_is_on_its_way_back():
    nodes = Nodes({1: "a"})
    back = threading.Timer(0.1, nodes.since.update, [{2: "a"}])
    back.start()
    reach(nodes, arrival_s=60).dismiss()
    back.join()
    assert nodes.asked == [1, 2]
    nodes = Nodes({1: "a"})
    reach(nodes, arrival_s=60).dismiss()
    assert nodes.asked == [1]


def test_what_went_wrong_in_a_client_is_not_a_lost_site():
    from flwr.app import Error

    nodes = Nodes({1: "a", 2: "a"})
    nodes.failing = Error(2, "no such file")
    with pytest.raises(RuntimeError, match="este failed: no such file"):
        list(reach(nodes).ask(TASKS))


@pytest.mark.parametrize("size", [0, 1, payload.PIECE_BYTES, 2 * payload.PIECE_BYTES + 1])
def test_bytes_come_back_as_they_were(size):
    content = bytes(range(256)) * (size // 256) + bytes(size % 256)
    message = payload.task_message(content, 1, 2)
    assert payload.content_of(message) == content
    assert len(message.content.config_records) == max(1, math.ceil(size / payload.PIECE_BYTES))


# The coordinator and its sites, over TLS on the loopback.


class Echo:
    def __init__(self, name):
        self.name = name

    def answer(self, content):
        return self.name.encode() + content


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("job")
    far.prepare(folder, settings())
    return folder


@pytest.fixture
def coordinator(folder):
    address = free_address()
    with flower_coordinator(
        folder / "coordinator",
        far.public_keys(folder),
        address,
        folder / "keys" / "coordinator",
        settings(patience_s=0.1),
        progress=lambda line: None,
    ) as sites:
        yield SimpleNamespace(sites=sites, address=address)


def start_site(folder, name, address, *, events=None, opened=None):
    def open_site():
        if opened is not None:
            opened.append(name)
        return Echo(name)

    own = folder / "keys" / name
    take = [].append if events is None else lambda event, _: events.append((name, event))
    thread = threading.Thread(
        target=run_site,
        args=(open_site, address, own, own / f"{name}.node"),
        kwargs={
            "progress": lambda line: None,
            "on_event": take if events is not None else lambda *_: None,
        },
    )
    thread.start()
    return thread


def test_sites_answer_stay_open_and_are_told_of_the_end(folder):
    address, events, opened = free_address(), [], []
    threads = [
        start_site(folder, name, address, events=events, opened=opened) for name in far.NAMES
    ]
    with flower_coordinator(
        folder / "coordinator",
        far.public_keys(folder),
        address,
        folder / "keys" / "coordinator",
        settings(),
        progress=lambda line: None,
    ) as sites:
        assert sites.names == ["este", "norte", "sur"]
        for content in (b"1", b"2" * (payload.PIECE_BYTES + 9)):
            replies = dict(sites.ask(dict.fromkeys(far.NAMES, content)))
            assert replies == {name: name.encode() + content for name in far.NAMES}
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    assert sorted(opened) == sorted(far.NAMES)
    for name in far.NAMES:
        told = [event for who, event in events if who == name]
        assert told == ["task received", "reply sent"] * 2 + ["job over"]


@pytest.mark.parametrize("path", ["/v1/control/start-run", "/v1/runtime/acquire-task", "/docs"])
def test_a_site_reaches_no_call_but_those_of_nodes(folder, coordinator, path):
    with httpx.Client(verify=node._tls(folder / "keys" / "sur", "sur")) as client:
        headers = {"content-type": "application/protobuf"}
        answer = client.post(f"https://{coordinator.address}{path}", headers=headers)
        assert answer.status_code == 404
        answer = client.post(f"https://{coordinator.address}/v1/fleet/pull-messages")
        assert answer.status_code in (400, 415, 422)


def test_without_a_certificate_of_the_job_there_is_no_connection(folder, coordinator):
    trusted = folder / "keys" / "coordinator" / "ca.crt"
    context = ssl.create_default_context(cafile=str(trusted))
    with httpx.Client(verify=context) as client, pytest.raises(httpx.TransportError):
        client.post(f"https://{coordinator.address}/v1/fleet/activate-node")


@pytest.fixture
def strange(folder, tmp_path):
    """Keys of a site whose certificate another authority signed."""
    keys.new_authority("stranger", tmp_path / "ca")
    keys.new_keys("oeste", tmp_path)
    keys.certify(tmp_path / "oeste.tls.csr", tmp_path / "ca", tmp_path)
    return tmp_path


def enter(own, address):
    run_site(
        lambda: Echo("oeste"),
        address,
        own,
        own / "oeste.node",
        progress=lambda line: None,
        on_event=lambda *_: None,
    )


def test_a_certificate_of_another_authority_is_not_let_in(
    folder, coordinator, strange, monkeypatch
):
    monkeypatch.setattr(node, "REFUSED_S", 0.3)
    monkeypatch.setattr(node, "HEARTBEAT_S", 0.2)
    shutil.copy(folder / "keys" / "coordinator" / "ca.crt", strange)
    with pytest.raises(UserError, match=r"does not let this site in.*\n.*keys and certificate"):
        enter(strange, coordinator.address)


def test_a_key_that_is_not_registered_is_not_let_in(folder, coordinator, strange, monkeypatch):
    monkeypatch.setattr(node, "REFUSED_S", 0.3)
    monkeypatch.setattr(node, "HEARTBEAT_S", 0.2)
    (strange / "oeste.tls.crt").unlink()
    keys.certify(strange / "oeste.tls.csr", folder / "keys" / "coordinator", strange)
    shutil.copy(folder / "keys" / "coordinator" / "ca.crt", strange)
    with pytest.raises(UserError, match=r"does not let this site in: Client error"):
        enter(strange, coordinator.address)


def test_a_coordinator_with_another_certificate_is_not_trusted(coordinator, strange):
    shutil.copy(strange / "ca" / "ca.crt", strange)
    with pytest.raises(UserError, match=r"does not let this site in: .*CERTIFICATE_VERIFY_FAILED"):
        enter(strange, coordinator.address)


def test_a_port_that_is_taken_and_an_address_that_is_none_are_refused(folder, coordinator):
    for address, reason in ((coordinator.address, "cannot be served"), ("here", "no address")):
        opening = flower_coordinator(
            folder / "other",
            far.public_keys(folder),
            address,
            folder / "keys" / "coordinator",
            settings(),
            progress=lambda line: None,
        )
        with pytest.raises(UserError, match=reason), opening:
            pass


def test_a_missing_certificate_and_another_kind_of_key_are_refused(folder, tmp_path):
    own = folder / "keys" / "sur"
    enter = partial(run_site, lambda: Echo("sur"), "127.0.0.1:1")
    quiet = {"progress": lambda line: None, "on_event": lambda *_: None}
    with pytest.raises(NotFound, match=r"no certificate .*ca\.crt"):
        enter(tmp_path, own / "sur.node", **quiet)
    with pytest.raises(UserError, match="is no node key"):
        enter(own, own / "sur.signing.pem", **quiet)


# Whole jobs, in processes of their own.


def start(role, folder, *more, **environment):
    said = folder / "said" / "-".join((role, *more[1:]))
    said.mkdir(parents=True, exist_ok=True)
    arguments = (str(SCRIPT), role, str(folder), *more)
    environment = {**os.environ, **environment}
    return processes.start(*arguments, folder=folder, said=said, environment=environment)


def run_until_done(wanted, *, limit_s=280):
    """Runs each process, again where it was killed; all of them end with 0 in the end."""
    running = {name: begin() for name, begin in wanted.items()}
    end = time.monotonic() + limit_s
    try:
        while running and time.monotonic() < end:
            for name, process in list(running.items()):
                if process.exitcode == -signal.SIGKILL:
                    running[name] = wanted[name]()
                elif process.exitcode is not None:
                    assert process.exitcode == 0, name
                    del running[name]
            time.sleep(0.1)
        assert not running, f"still running: {', '.join(running)}"
    finally:
        for process in running.values():
            os.killpg(process.pid, signal.SIGKILL)
            process.join()


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """What the job ends with in one process."""
    folder = tmp_path_factory.mktemp("here")
    far.prepare(folder, settings(patience_s=200))
    run_until_done({"here": partial(start, "here", folder)})
    return read(folder / "outcome.bin").tensors


def require_same(folder, here):
    """What the job ended with is what it ends with in one process, to the bit."""
    found = read(folder / "outcome.bin").tensors
    assert found.keys() == here.keys()
    assert all(torch.equal(found[name], here[name]) for name in here)
    assert not (folder / "reached.txt").exists()


@pytest.mark.slow
def test_killed_coordinator_and_site_go_on_in_the_same_round_with_the_same_bits(tmp_path, here):
    far.prepare(tmp_path, settings(patience_s=200))
    address = free_address()
    die = {"coordinator": "8", "sur": "1-train"}
    wanted = {
        name: partial(start, "site", tmp_path, address, name, CAUCE_DIE=die.get(name, ""))
        for name in far.NAMES
    }
    wanted["coordinator"] = partial(start, "coordinator", tmp_path, address, CAUCE_DIE="8")
    run_until_done(wanted)
    assert (tmp_path / "coordinator.died").exists()
    assert (tmp_path / "sur.died").exists()
    require_same(tmp_path, here)


@pytest.mark.slow
def test_the_simulation_of_flower_ends_with_the_same_bits(tmp_path, here):
    far.prepare(tmp_path, settings(patience_s=200))
    run_until_done({"ray": partial(start, "ray", tmp_path)})
    require_same(tmp_path, here)
