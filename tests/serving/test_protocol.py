import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cauce.records import DoiMatch, Message, Reference, Reply
from cauce.serving import protocol
from cauce.serving.protocol import (
    TOKEN,
    ChatRequest,
    RequestRefused,
    chunks,
    completion,
    end_text,
    parse_request,
    sentences,
)

QUESTION = b'{"model":"demo","messages":[{"role":"user","content":"dose?"}]%s}'


def request(extra: str = "") -> ChatRequest:
    return parse_request(QUESTION % extra.encode(), "demo")


def test_doc_examples() -> None:
    assert doctest.testmod(protocol).failed == 0


@given(st.text())
def test_sentences_joined_are_the_text(text: str) -> None:
    assert "".join(sentences(text)) == text


def test_sentences_keep_decimals_and_open_on_inverted_marks() -> None:
    assert sentences("Tome 2.5 mg. ¿Conduce? No.") == ["Tome 2.5 mg. ", "¿Conduce? ", "No."]


@given(st.text(), st.lists(st.text(min_size=1), max_size=4))
def test_text_ends_before_the_earliest_stop(text: str, stops: list[str]) -> None:
    kept = end_text(text, tuple(stops), None).text
    assert text.startswith(kept)
    assert not any(stop in kept for stop in stops)
    assert kept == text or any(text.startswith(stop, len(kept)) for stop in stops)


@given(st.text(), st.integers(1, 5))
def test_token_limit_is_kept(text: str, limit: int) -> None:
    ending = end_text(text, (), limit)
    assert len(TOKEN.findall(ending.text)) <= limit
    assert (ending.finish_reason == "length") == (len(TOKEN.findall(text)) > limit)


def test_parts_are_joined_and_developer_is_system() -> None:
    body = b"""{"model": "demo", "temperature": 0.2, "messages": [
        {"role": "developer", "content": "be brief"},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
    ]}"""
    parsed = parse_request(body, "demo")
    assert parsed.question == "a\nb"
    assert parsed.history == (Message(role="system", content="be brief"),)


@pytest.mark.parametrize(
    ("extra", "param"),
    [
        (',"n":0', "n"),
        (',"n":5', "n"),
        (',"n":"2"', "n"),
        (',"n":true', "n"),
        (',"max_tokens":0', "max_tokens"),
        (',"max_completion_tokens":-1', "max_completion_tokens"),
        (',"stop":""', "stop"),
        (',"stop":["a","b","c","d","e"]', "stop"),
        (',"stop":7', "stop"),
        (',"stream":"yes"', "stream"),
        (',"tools":[{"type":"function"}]', "tools"),
        (',"response_format":{"type":"json_object"}', "response_format"),
    ],
)
def test_bad_field_is_refused_by_name(extra: str, param: str) -> None:
    with pytest.raises(RequestRefused, match=param) as refused:
        request(extra)
    assert (refused.value.status, refused.value.param) == (400, param)


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ("[]", "messages"),
        ('"hello"', "messages"),
        ('[{"role":"user","content":"  "}]', "messages"),
        ('[{"role":"assistant","content":"hello"}]', "messages"),
        ('[{"role":"robot","content":"hello"}]', "messages.0.role"),
        ('[{"role":"user"}]', "messages.0.content"),
        ('[{"role":"user","content":[{"type":"image_url"}]}]', "messages.0.content"),
    ],
)
def test_bad_messages_are_refused_with_their_place(messages: str, param: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        parse_request(b'{"model":"demo","messages":%s}' % messages.encode(), "demo")
    assert refused.value.param == param


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"model":"\\ud800"}'])
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(RequestRefused) as refused:
        parse_request(body, "demo")
    assert refused.value.code == "invalid_json"


@pytest.mark.parametrize("body", [b"[]", b"null", b"3"])
def test_json_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(RequestRefused, match="JSON object"):
        parse_request(body, "demo")


def test_unknown_model_is_refused_with_the_known_one() -> None:
    with pytest.raises(RequestRefused, match="'demo'") as refused:
        parse_request(QUESTION % b"", "other")
    assert "other" in str(refused.value)
    assert (refused.value.status, refused.value.code) == (404, "model_not_found")


def test_n_repeats_the_answer_and_counts_it() -> None:
    reply = Reply(text="Take one.")
    whole = completion(request(',"n":3'), reply)
    assert [choice["index"] for choice in whole["choices"]] == [0, 1, 2]
    assert whole["usage"] == {"prompt_tokens": 2, "completion_tokens": 9, "total_tokens": 11}


def test_chunks_of_every_choice_join_to_the_answer() -> None:
    extra = ',"n":2,"stream":true,"stop":"STOP","stream_options":{"include_usage":true}'
    reply = Reply(text="Take one. Then wait. STOP Never.", abstained=False)
    sent = list(chunks(request(extra), reply))
    assert sent[-1]["choices"] == [] and sent[-1]["usage"]["completion_tokens"] == 12
    for index in range(2):
        own = [c["choices"][0] for c in sent[:-1] if c["choices"][0]["index"] == index]
        assert own[0]["delta"]["role"] == "assistant"
        text = "".join(choice["delta"].get("content", "") for choice in own)
        assert text == "Take one. Then wait. "
        assert [c["finish_reason"] for c in own] == [None] * (len(own) - 1) + ["stop"]
        assert own[-1]["delta"]["cauce"]["abstained"] is False
    assert len({chunk["id"] for chunk in sent}) == 1


def test_works_stand_beside_the_citations_whole_and_in_a_stream() -> None:
    match = DoiMatch(score=0.93, margin=0.6, source="catalogue", retracted=True)
    work = Reference(
        id="B1",
        raw="as printed",
        title="Slow rivers",
        authors=("Otero, M.",),
        year="2015",
        doi="10.1175/1520(1963)020<0130:dnf>2.0.co;2",
        match=match,
    )
    reply = Reply(text="Rivers are slow.", works=(work,))
    whole = completion(request(), reply)["choices"][0]["message"]["cauce"]
    assert whole["works"] == [
        {
            "doi": work.doi,
            "title": "Slow rivers",
            "authors": ["Otero, M."],
            "year": "2015",
            "url": "https://doi.org/10.1175/1520(1963)020%3C0130:dnf%3E2.0.co;2",
            "score": 0.93,
            "margin": 0.6,
            "source": "catalogue",
            "retracted": True,
        }
    ]
    *_, last = chunks(request(',"stream":true'), reply)
    assert last["choices"][0]["delta"]["cauce"] == whole
    assert {"citations", "abstained"} < whole.keys()


def test_a_reply_without_works_says_so() -> None:
    message = completion(request(), Reply(text="Take one."))["choices"][0]["message"]
    assert message["cauce"]["works"] == []
