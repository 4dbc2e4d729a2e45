"""The log survives kills, and hashes tell when a question or a reference changed."""

import pytest

from cauce.errors import DataRefused
from cauce.evaluation.log import append_items, item_of, prompt_sha256, read_items, write_items
from cauce.records import Citation, Reply
from evaluation.fixtures import example

CITATION = Citation(source="s", id="1", version="2", section="dose", quote="400 mg")


def item(identity, **reply):
    fields = {"text": "Tome 400 mg.", "generated": True, **reply}
    return item_of(example(identity), Reply(**fields), system="tuned", cpu_s=0.25)


def test_what_is_appended_is_read_back(tmp_path):
    path = tmp_path / "evaluate" / "tuned.jsonl"
    assert read_items(path) == []
    append_items(path, [item("1"), item("2")])
    append_items(path, [item("3", citations=(CITATION, CITATION), group="ibuprofen", kind="dose")])
    items = read_items(path)
    assert [i.id for i in items] == ["1", "2", "3"]
    assert (items[0].citation, items[2].citation, items[2].other_citations) == (
        None,
        CITATION,
        (CITATION,),
    )
    assert items[2].resolved_group == "ibuprofen"
    assert items[0].scores == {}


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_a_line_cut_by_a_kill_is_dropped_and_the_log_goes_on(tmp_path, cut):
    path = tmp_path / "log.jsonl"
    append_items(path, [item("1"), item("2")])
    path.write_bytes(path.read_bytes()[:-cut])
    assert [i.id for i in read_items(path)] == ["1"]
    append_items(path, [item("2")])
    assert [i.id for i in read_items(path)] == ["1", "2"]


def test_any_other_bad_line_is_refused_with_its_place(tmp_path):
    path = tmp_path / "log.jsonl"
    write_items(path, [item("1")])
    path.write_bytes(b'{"id": "broken"}\n' + path.read_bytes())
    with pytest.raises(DataRefused, match=r"log\.jsonl, line 1: not a Item"):
        read_items(path)


def test_the_prompt_hash_covers_question_and_messages():
    one = example("1")
    assert prompt_sha256(one) == prompt_sha256(one.model_copy(update={"id": "2"}))
    for change in ({"question": "¿Otra?"}, {"messages": example("1", group="x").messages}):
        assert prompt_sha256(one) != prompt_sha256(one.model_copy(update=change))
