"""Who is called when, who is turned away, and what becomes of those who leave."""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable, Sequence

import anyio
import pytest
from anyio.abc import TaskGroup
from starlette.exceptions import HTTPException

from cauce.models.asking import ASKING, AskerLeft
from cauce.records import Message, Reply
from cauce.serving.queue import Queue
from serving.live import KnownAnswers

pytestmark = pytest.mark.anyio
PATIENCE_S = 20.0


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Held(KnownAnswers):
    """Answers while the gate is open; notices, as a model does, when the asker leaves."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.order: list[str] = []
        self.left: list[str] = []

    def reply(
        self,
        question: str,
        history: Sequence[Message] = (),
        *,
        plain: bool = False,
        images: Sequence[str] = (),
    ) -> Reply:
        asking = ASKING.get()
        assert asking is not None
        self.order.append(question)
        while not self.gate.wait(0.005):
            if asking.has_left.is_set():
                self.left.append(question)
                raise AskerLeft("gone")
        asking.first_token_at = time.monotonic()
        return super().reply(question, history, plain=plain, images=images)


async def stays() -> bool:
    return False


def ask(
    group: TaskGroup, queue: Queue, question: str, has_left: Callable[[], Awaitable[bool]] = stays
) -> list[Reply | None]:
    """What the user named by the question's first letter is told, once there is something."""
    told: list[Reply | None] = []

    async def run() -> None:
        told.append(await queue.reply(question, (), has_left, user=question[0]))

    group.start_soon(run)
    return told


async def until(is_so: Callable[[], bool]) -> None:
    with anyio.fail_after(PATIENCE_S):
        while not is_so():
            await anyio.sleep(0.002)


async def test_users_are_called_in_turn_whoever_has_most_in_line() -> None:
    held = Held()
    queue = Queue(held, at_work=1)
    async with anyio.create_task_group() as group:
        for question in ("a1", "a2", "a3", "a4", "b1", "b2", "c1"):
            ask(group, queue, question)
            await anyio.sleep(0)
        await until(lambda: held.order == ["a1"])
        held.gate.set()
    assert held.order == ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]


async def test_so_many_are_at_work_and_no_more() -> None:
    held = Held()
    queue = Queue(held, at_work=3)
    async with anyio.create_task_group() as group:
        told = [ask(group, queue, f"a{number}") for number in range(7)]
        await until(lambda: len(held.order) == 3)
        await anyio.sleep(0.02)
        assert len(held.order) == 3
        held.gate.set()
    assert all(answer for [answer] in told)
    assert len(queue.timings) == 7
    for it in queue.timings:
        assert it.first_token is not None
        assert 0 <= it.in_line <= it.first_token <= it.reply


async def test_more_than_can_be_answered_are_turned_away() -> None:
    held = Held()
    queue = Queue(held, at_work=1, in_line=3, in_line_each=2)
    async with anyio.create_task_group() as group:
        for question in ("a1", "a2", "a3"):
            ask(group, queue, question)
            await anyio.sleep(0)
        with pytest.raises(HTTPException, match="2 of your questions") as own:
            await queue.reply("a4", (), stays, user="a")
        ask(group, queue, "b1")
        await anyio.sleep(0)
        with pytest.raises(HTTPException, match="3 questions wait") as full:
            queue.require_room("c")
        held.gate.set()
    assert (own.value.status_code, full.value.status_code) == (429, 503)
    for error in (own.value, full.value):
        assert 1 <= int((error.headers or {})["Retry-After"]) <= 120
    queue.require_room("a")


async def test_who_leaves_the_line_is_skipped() -> None:
    held = Held()
    queue = Queue(held, at_work=1)
    gone: list[bool] = []

    async def leaves() -> bool:
        return bool(gone)

    async with anyio.create_task_group() as group:
        ask(group, queue, "a1")
        await until(lambda: held.order == ["a1"])
        second = ask(group, queue, "b1", leaves)
        third = ask(group, queue, "c1")
        await anyio.sleep(0)
        gone.append(True)
        await until(lambda: second == [None])
        held.gate.set()
    assert held.order == ["a1", "c1"]
    assert third[0]


@pytest.mark.parametrize("is_cancelled", [False, True])
async def test_who_leaves_at_work_ends_it_and_the_next_is_called(is_cancelled: bool) -> None:
    held = Held()
    queue = Queue(held, at_work=1)
    gone: list[bool] = []

    async def leaves() -> bool:
        return bool(gone)

    async with anyio.create_task_group() as others:
        async with anyio.create_task_group() as group:
            ask(group, queue, "a1", leaves)
            await until(lambda: held.order == ["a1"])
            ask(others, queue, "b1")
            if is_cancelled:
                group.cancel_scope.cancel()
            else:
                gone.append(True)
        await until(lambda: held.order == ["a1", "b1"])
        held.gate.set()
    assert held.left == ["a1"]


async def test_what_breaks_is_raised_as_it_is_and_frees_the_place() -> None:
    queue = Queue(KnownAnswers(), at_work=1)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="the model broke"):
            await queue.reply("break", (), stays)
    assert await queue.reply("dose?", (), stays)
