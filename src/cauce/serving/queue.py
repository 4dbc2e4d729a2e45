"""Questions at work and in line: so many at once, users in turn, and no more than can be answered.

Those at work share the model (`cauce.models.batching`). Whoever leaves takes their question along.
"""

from __future__ import annotations

import functools
import math
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, NamedTuple, Protocol

from cauce.knowledge.sections.store import SectionEntry
from cauce.models.asking import ASKING, AskerLeft, Asking
from cauce.records import Language, Message, Reply

if TYPE_CHECKING:
    import anyio

AT_WORK = 32
"""Replies that are worked on at the same time."""
IN_LINE = 256
"""Questions that wait, of all users together; more are turned away."""
IN_LINE_EACH = 16
"""Questions of one user that wait."""
LOOKED_S = 0.2
"""How often it is looked whether whoever asked is still there."""
FIRST_GUESS_S = 1.0
LONGEST_WAIT_S = 120
REMEMBERED = 1000
"""Replies of which the times are known."""


class Answerer(Protocol):
    """Whatever answers a question; in production, `cauce.assistant.assistant.Assistant`."""

    def reply(
        self,
        question: str,
        history: Sequence[Message] = (),
        *,
        plain: bool = False,
        images: Sequence[str] = (),
    ) -> Reply:
        """The reply to `question`, given the turns before it; `plain` in easy words.

        `images`, each a `data:` URI, go with the question.
        """
        ...

    def section(
        self, source: str, document_id: str, section_id: str, language: Language
    ) -> SectionEntry | None:
        """The section that a citation names, whole; None when it is not held."""
        ...


class Timing(NamedTuple):
    """How long one question took, in seconds from when it came."""

    in_line: float
    first_token: float | None
    """None where no model wrote."""
    reply: float


class _Place:
    """A question in line."""

    def __init__(self, user: str) -> None:
        import anyio

        self.user, self.turn = user, anyio.Event()


class Queue:
    """An assistant that works on some questions while others wait.

    Users are called one after another, whoever has most in line; a user's own questions come in
    the order in which they were asked.
    """

    def __init__(
        self,
        assistant: Answerer,
        *,
        at_work: int = AT_WORK,
        in_line: int = IN_LINE,
        in_line_each: int = IN_LINE_EACH,
    ) -> None:
        import anyio

        self._assistant = assistant
        self._at_work, self._in_line, self._in_line_each = at_work, in_line, in_line_each
        self._working = 0
        self._waiting: OrderedDict[str, deque[_Place]] = OrderedDict()
        self._threads = anyio.CapacityLimiter(at_work)
        self.timings: deque[Timing] = deque(maxlen=REMEMBERED)

    async def reply(
        self,
        question: str,
        history: Sequence[Message],
        has_left: Callable[[], Awaitable[bool]],
        *,
        user: str = "",
        plain: bool = False,
        images: Sequence[str] = (),
    ) -> Reply | None:
        """The reply, or None when whoever asked has left. Raises as `require_room`."""
        self.require_room(user)
        came = time.monotonic()
        place = self._enter(user)
        try:
            if not await _called(place.turn, has_left):
                return None
            begun, asking = time.monotonic(), Asking()
            work = functools.partial(
                self._assistant.reply, question, history, plain=plain, images=images
            )
            reply = await self._followed(work, asking, has_left)
        finally:
            self._leave(place)
        first = asking.first_token_at
        self.timings.append(Timing(begun - came, first and first - came, time.monotonic() - came))
        return reply

    def require_room(self, user: str) -> None:
        """Raises 429 where the user has too many questions in line, and 503 where all have.

        Both say in `Retry-After` in how many seconds a place may be free.
        """
        from starlette.exceptions import HTTPException

        of_all = sum(map(len, self._waiting.values()))
        of_user = len(self._waiting.get(user, ()))
        wait = {"Retry-After": str(self._wait_s(of_all))}
        if of_user >= self._in_line_each:
            raise HTTPException(429, f"{of_user} of your questions wait already; ask later", wait)
        if of_all >= self._in_line:
            raise HTTPException(503, f"{of_all} questions wait already; ask later", wait)

    def _wait_s(self, waiting: int) -> int:
        """Seconds in which half of those that wait will have been called, as things go."""
        last = [it.reply - it.in_line for it in self.timings] or [FIRST_GUESS_S]
        seconds = sum(last) / len(last) * waiting / 2 / self._at_work
        return min(max(1, math.ceil(seconds)), LONGEST_WAIT_S)

    def _enter(self, user: str) -> _Place:
        place = _Place(user)
        self._waiting.setdefault(user, deque()).append(place)
        self._call()
        return place

    def _call(self) -> None:
        """Calls the next ones while there is room: the first of the user whose turn it is."""
        while self._waiting and self._working < self._at_work:
            user, places = self._waiting.popitem(last=False)
            places.popleft().turn.set()
            self._working += 1
            if places:
                self._waiting[user] = places

    def _leave(self, place: _Place) -> None:
        if place.turn.is_set():
            self._working -= 1
        else:
            self._waiting[place.user].remove(place)
            if not self._waiting[place.user]:
                del self._waiting[place.user]
        self._call()

    async def _followed(
        self,
        work: Callable[[], Reply],
        asking: Asking,
        has_left: Callable[[], Awaitable[bool]],
    ) -> Reply | None:
        """What the work gives in a thread of its own; None where whoever asked leaves meanwhile."""
        import anyio
        import anyio.to_thread

        # The thread gets a copy of this task's context.
        ASKING.set(asking)
        async with anyio.create_task_group() as group:
            group.start_soon(_watch, asking, has_left)
            done = await anyio.to_thread.run_sync(_tried, work, limiter=self._threads)
            is_left = asking.has_left.is_set()
            group.cancel_scope.cancel()
        return None if is_left else done.result()


def _tried(work: Callable[[], Reply]) -> Future[Reply | None]:
    """What the work gives or raises; None where it was ended because nobody waits for it."""
    done: Future[Reply | None] = Future()
    try:
        done.set_result(work())
    except AskerLeft:
        done.set_result(None)
    except Exception as error:  # noqa: BLE001 - it is raised again outside the task group
        done.set_exception(error)
    return done


async def _called(turn: anyio.Event, has_left: Callable[[], Awaitable[bool]]) -> bool:
    """Waits for the turn; False where whoever asked left before."""
    import anyio

    while not turn.is_set():
        with anyio.move_on_after(LOOKED_S):
            await turn.wait()
        if await has_left():
            return False
    return not await has_left()


async def _watch(asking: Asking, has_left: Callable[[], Awaitable[bool]]) -> None:
    """Notes when whoever asked leaves, also where that cancels the task."""
    import anyio

    try:
        while not await has_left():
            await anyio.sleep(LOOKED_S)
    finally:
        asking.has_left.set()
