"""A question is stored before its answer, and nobody finds another's."""

from __future__ import annotations

import threading

import pytest

from cauce.errors import NotFound
from cauce.records import Check, Citation, Message, Reply

REPLY = Reply(
    text="Take 500 mg. Not more.",
    citations=(Citation(source="demo", id="1", version="1", section="dose", quote="500 mg"),),
    checks=(Check(name="numbers", passed=True),),
)


def test_the_question_is_stored_before_the_answer_and_the_answer_as_it_streams(database, ana):
    asked = database.start_question(ana.id, None, "How much?", images=("data:image/png;base64,AA",))
    assert database.message(ana.id, asked.id) == asked
    assert (asked.state, asked.text, asked.reply) == ("asked", "", None)
    assert database.append(asked.id, "Take ")
    assert database.append(asked.id, "five")
    seen = database.message(ana.id, asked.id)
    assert (seen.state, seen.text) == ("streaming", "Take five")
    assert database.finish(asked.id, REPLY)
    done = database.message(ana.id, asked.id)
    assert (done.state, done.text, done.reply) == ("done", REPLY.text, REPLY)
    assert done.images == ("data:image/png;base64,AA",)


def test_an_answer_that_is_done_is_not_written_to_any_more(database, ana):
    asked = database.start_question(ana.id, None, "How much?")
    database.finish(asked.id, REPLY)
    before = database.message(ana.id, asked.id)
    assert not database.append(asked.id, "more")
    assert not database.finish(asked.id, Reply(text="other"))
    database.stop(ana.id, asked.id)
    assert database.message(ana.id, asked.id) == before


def test_what_a_crash_cut_off_can_be_asked_again(database, ana):
    done, streaming, waiting = [database.start_question(ana.id, None, text) for text in "abc"]
    database.finish(done.id, REPLY)
    database.append(streaming.id, "Half an ")
    assert database.interrupt_open() == 2
    assert database.interrupt_open() == 0
    states = [database.message(ana.id, one.id).state for one in (done, streaming, waiting)]
    assert states == ["done", "interrupted", "interrupted"]
    assert database.message(ana.id, streaming.id).text == "Half an "
    again = database.retry(ana.id, streaming.id)
    assert (again.question, again.state, again.text) == ("b", "asked", "")
    assert again == database.message(ana.id, streaming.id)
    assert database.finish(again.id, REPLY)


def test_another_server_s_answer_that_a_start_took_for_cut_off_goes_on(database, ana):
    asked = database.start_question(ana.id, None, "How much?")
    database.interrupt_open()
    assert database.append(asked.id, "Take ")
    assert database.message(ana.id, asked.id).state == "streaming"


def test_a_failed_answer_is_interrupted(database, ana):
    asked = database.start_question(ana.id, None, "How much?")
    database.interrupt(asked.id)
    assert database.message(ana.id, asked.id).state == "interrupted"


def test_a_stopped_or_deleted_answer_is_waited_for_no_more(database, ana):
    stopped = database.start_question(ana.id, None, "a")
    deleted = database.start_question(ana.id, None, "b")
    database.append(stopped.id, "Take ")
    database.stop(ana.id, stopped.id)
    database.delete_conversation(ana.id, deleted.conversation_id)
    assert not database.append(stopped.id, "five")
    assert not database.finish(stopped.id, REPLY)
    assert not database.append(deleted.id, "five")
    seen = database.message(ana.id, stopped.id)
    assert (seen.state, seen.text) == ("stopped", "Take ")


def test_a_conversation_holds_its_turns_in_order_and_its_history_what_is_whole(database, ana):
    first = database.start_question(ana.id, None, "  How much\nparacetamol? " + "x" * 90)
    database.finish(first.id, REPLY)
    second = database.start_question(ana.id, first.conversation_id, "And ibuprofen?")
    found = database.conversation(ana.id, first.conversation_id)
    assert [one.id for one in found.messages] == [first.id, second.id]
    assert [one.place for one in found.messages] == [1, 2]
    assert found.title.startswith("How much paracetamol? x")
    assert len(found.title) == 80
    assert found.history() == (
        Message(role="user", content=first.question),
        Message(role="assistant", content=REPLY.text),
    )


def test_conversations_come_last_changed_first_and_can_be_renamed(database, ana):
    first = database.start_question(ana.id, None, "a").conversation_id
    second = database.start_question(ana.id, None, "b").conversation_id
    assert [one.id for one in database.conversations(ana.id)] == [second, first]
    database.start_question(ana.id, first, "c")
    database.rename(ana.id, first, "Doses")
    assert [one.title for one in database.conversations(ana.id)] == ["Doses", "b"]


def test_questions_asked_at_once_have_a_place_each(database, ana):
    first = database.start_question(ana.id, None, "0")

    def ask(number: int) -> None:
        for turn in range(3):
            database.start_question(ana.id, first.conversation_id, f"{number} {turn}")

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = database.conversation(ana.id, first.conversation_id)
    assert [one.place for one in found.messages] == list(range(1, 14))
    assert len({one.question for one in found.messages}) == 13


def test_another_user_s_ids_find_nothing_and_change_nothing(database, ana, berta):
    hers = database.start_question(ana.id, None, "How much?")
    before = database.conversation(ana.id, hers.conversation_id)
    assert database.message(berta.id, hers.id) is None
    assert database.conversation(berta.id, hers.conversation_id) is None
    assert database.conversations(berta.id) == ()
    assert database.feedback(berta.id, hers.id) == ()
    for call in (
        lambda: database.start_question(berta.id, hers.conversation_id, "?"),
        lambda: database.stop(berta.id, hers.id),
        lambda: database.retry(berta.id, hers.id),
        lambda: database.rename(berta.id, hers.conversation_id, "mine"),
        lambda: database.delete_conversation(berta.id, hers.conversation_id),
        lambda: database.add_feedback(berta.id, hers.id, "up", consent=True),
        lambda: database.add_review(berta.id, hers.id, "right"),
    ):
        with pytest.raises(NotFound, match=r"^no (conversation|message) '[0-9a-f]{32}'"):
            call()
    assert database.conversation(ana.id, hers.conversation_id) == before


@pytest.mark.parametrize("text", ["a\0b", "half \ud83d of a pair", "\U0001f48a 5 µg/día", "'; --"])
def test_any_text_is_stored(database, ana, text):
    asked = database.start_question(ana.id, None, text)
    database.append(asked.id, text)
    database.finish(asked.id, Reply(text=text.encode("utf-8", "replace").decode()))
    seen = database.message(ana.id, asked.id)
    assert len(seen.question) == len(text)
    assert seen.question == text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    assert database.message(ana.id, text) is None


def test_nobody_asks_for_a_user_who_is_not_there(database):
    with pytest.raises(NotFound, match="no user 'nobody'"):
        database.start_question("nobody", None, "How much?")
