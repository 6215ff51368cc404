"""Events of Converse's answers, complete and streamed."""

import base64
import json
from typing import Any

import msgspec
import pytest

from adapters.providers.bedrock import BEDROCK
from domain.model_api.citations import Source, source_of
from domain.model_api.events import (
    Broken,
    CitationDelta,
    Ended,
    Event,
    Finished,
    ProviderBlock,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from domain.usage import Usage
from tests.support.anthropic import meaning
from tests.support.bedrock import reported
from tests.support.eventstream import answer, event

USAGE = {"inputTokens": 7, "outputTokens": 3, "totalTokens": 10}


def whole(*blocks: dict[str, Any], stop: str | None = "end_turn", **more: Any) -> tuple[Event, ...]:
    output = {"message": {"role": "assistant", "content": list(blocks)}}
    body = {"output": output, "stopReason": stop, "usage": USAGE, "metrics": {"latencyMs": 1}} | more
    return BEDROCK.decode(json.dumps(body).encode())


def broken(events: tuple[Event, ...]) -> tuple[str, str]:
    assert isinstance(events[-1], Broken)
    assert not any(isinstance(event, Ended) for event in events)
    return events[-1].failure.kind, events[-1].failure.message


def test_the_least_answer() -> None:
    assert whole({"text": "Hello"}) == (
        Started(id="", model=""),
        TextDelta(text="Hello"),
        UsageReported(usage=Usage(input_tokens=7, output_tokens=3)),
        Finished(reason="stop"),
        Ended(),
    )


def test_a_complete_answer_without_a_stop_reason_is_finished() -> None:
    called = {"toolUse": {"toolUseId": "t", "name": "f", "input": {}}}

    assert [(Finished(reason="stop"), Ended()), (Finished(reason="tool_calls"), Ended())] == [
        whole(block, stop=None)[-2:] for block in ({"text": "Hello"}, called)
    ]


def test_a_block_keeps_its_kind_with_unknown_fields() -> None:
    """A field that nobody knows comes first, and null is as good as nothing."""
    tool = {"toolUseId": "t", "name": "f", "type": "server_tool_use", "input": {}}
    ran = {"unheardOf": 1, "toolUse": tool}
    streamed = reported(
        event("contentBlockStart", contentBlockIndex=0, start=ran), event("contentBlockStop", contentBlockIndex=0)
    )

    assert ["server_tool_use", "image"] == [
        said.name for said in whole(ran, {"video": None, "image": {}}) if isinstance(said, ProviderBlock)
    ]
    assert ["server_tool_use"] == [said.name for said in streamed if isinstance(said, ProviderBlock)]


def test_a_null_delta_is_ignored() -> None:
    delta = event("contentBlockDelta", contentBlockIndex=0, delta={"toolUse": None, "text": None})

    assert () == reported(delta)


def test_a_stream_is_over_after_its_stop_reason_and_its_usage() -> None:
    stream = answer({"text": "Hello you"})

    assert reported(stream) == (
        Started(id="", model=""),
        TextDelta(text="Hello"),
        TextDelta(text=" you"),
        UsageReported(usage=Usage(input_tokens=7, output_tokens=3)),
        Finished(reason="stop"),
        Ended(),
    )
    counted_first = event("metadata", usage=USAGE) + event("messageStop", stopReason="end_turn")
    assert reported(counted_first)[-1] == Ended()
    assert not any(isinstance(said, Ended | Finished) for said in reported(stream[:-1]))


def test_thinking_has_its_text_its_signature_and_its_block() -> None:
    thought = {"reasoningContent": {"reasoningText": {"text": "Hm, hm.", "signature": "sig=="}}}

    assert whole(thought, {"text": "Yes."})[1:3] == (
        ReasoningDelta(text="Hm, hm.", block=0),
        ReasoningDelta(signature="sig==", block=0),
    )
    assert meaning(whole(thought, {"text": "Yes."})) == meaning(reported(answer(thought, {"text": "Yes."})))


def test_unsigned_reasoning_is_reasoning() -> None:
    """GPT OSS, Kimi and Qwen do not sign; GPT OSS opens its stream with a block of no text."""
    blocks = ({"text": ""}, {"reasoningContent": {"reasoningText": {"text": "Hm."}}}, {"text": "Yes."})

    assert whole(*blocks)[1:3] == (ReasoningDelta(text="Hm.", block=1), TextDelta(text="Yes.", block=2))
    assert meaning(whole(*blocks)) == meaning(reported(answer(*blocks)))


@pytest.mark.parametrize(
    ("sent", "data"),
    [
        (base64.b64encode(b"EmwKAhgB").decode(), "EmwKAhgB"),
        (base64.b64encode(b"\xff\xfe").decode(), "base64://4="),
        ("no base64!", "base64:no base64!"),
    ],
)
def test_an_encrypted_block_is_the_data_that_anthropic_calls_it(sent: str, data: str) -> None:
    block = {"reasoningContent": {"redactedContent": sent}}

    assert whole(block)[1] == ReasoningDelta(redacted=data, block=0)
    delta = event("contentBlockDelta", contentBlockIndex=4, delta=block)
    assert reported(delta) == (ReasoningDelta(redacted=data, block=4),)


def test_tool_calls_are_counted_from_nought_and_keep_their_arguments_as_written() -> None:
    first = {"toolUse": {"toolUseId": "a", "name": "now", "input": {}}}
    second = {"toolUse": {"toolUseId": "b", "name": "at", "input": {"x": 1.50}, "type": "tool_use"}}

    assert whole(first, {"text": "and"}, second, stop="tool_use")[1:] == (
        ToolCallDelta(index=0, id="a", name="now"),
        ToolCallDelta(index=0, arguments="{}"),
        TextDelta(text="and", block=1),
        ToolCallDelta(index=1, id="b", name="at"),
        ToolCallDelta(index=1, arguments='{"x": 1.5}'),
        UsageReported(usage=Usage(input_tokens=7, output_tokens=3)),
        Finished(reason="tool_calls"),
        Ended(),
    )
    stream = reported(answer(first, {"text": "and"}, second, stop="tool_use"))
    assert meaning(whole(first, {"text": "and"}, second, stop="tool_use")) == meaning(stream)
    assert ToolCallDelta(index=0, arguments="{}") in stream


def test_a_tool_that_bedrock_ran_itself_is_kept_and_is_no_call() -> None:
    use = {
        "toolUse": {"toolUseId": "a", "name": "nova_code_interpreter", "type": "server_tool_use", "input": {"s": "1"}}
    }
    result = {
        "toolResult": {"toolUseId": "a", "status": "success", "type": "r", "content": [{"json": {"stdOut": "1"}}]}
    }
    called = {"toolUse": {"toolUseId": "b", "name": "final", "input": {"n": 1}}}

    events = whole(use, result, called, stop="tool_use")

    assert [("server_tool_use", use), ("toolResult", result)] == [
        (said.name, json.loads(bytes(said.block))) for said in events if isinstance(said, ProviderBlock)
    ]
    assert [0, 0] == [said.index for said in events if isinstance(said, ToolCallDelta)]
    assert meaning(events) == meaning(reported(answer(use, result, called, stop="tool_use")))


@pytest.mark.parametrize(
    "block",
    [
        {"image": {"format": "png", "source": {"bytes": "aGk="}}},
        {"of_tomorrow": {"deep": [{"a": None}], "n": 1}},
        {"audio": {"format": "wav", "source": {"bytes": "aGk="}}},
    ],
)
def test_a_block_that_is_new_to_us_is_kept_whole(block: dict[str, Any]) -> None:
    (name,) = block
    kept = ProviderBlock(dialect="bedrock", name=name, block=msgspec.Raw(json.dumps(block).encode()))

    (said,) = [event for event in whole(block) if isinstance(event, ProviderBlock)]
    assert (kept.name, json.loads(bytes(kept.block))) == (said.name, json.loads(bytes(said.block)))
    assert meaning(whole(block)) == meaning(reported(answer(block)))


def test_a_block_in_chunks_is_put_together() -> None:
    stream = (
        event("contentBlockStart", contentBlockIndex=0, start={"image": {"format": "png"}})
        + event("contentBlockDelta", contentBlockIndex=0, delta={"image": {"source": {"bytes": "aG"}}})
        + event("contentBlockDelta", contentBlockIndex=0, delta={"image": {"source": {"bytes": "k="}}})
        + event("contentBlockStop", contentBlockIndex=0)
    )

    (said,) = reported(stream)
    assert isinstance(said, ProviderBlock)
    assert {"image": {"format": "png", "source": {"bytes": "aGk="}}} == json.loads(bytes(said.block))


@pytest.mark.parametrize(
    ("location", "dialect", "expected"),
    [
        (
            {"documentChar": {"documentIndex": 1, "start": 2, "end": 9}},
            "anthropic",
            {"type": "char_location", "document_index": 1, "start_char_index": 2, "end_char_index": 9},
        ),
        (
            {"documentPage": {"documentIndex": 0, "start": 1, "end": 2}},
            "anthropic",
            {"type": "page_location", "document_index": 0, "start_page_number": 1, "end_page_number": 2},
        ),
        (
            {"documentChunk": {"documentIndex": 0, "start": 0, "end": 1}},
            "anthropic",
            {"type": "content_block_location", "document_index": 0, "start_block_index": 0, "end_block_index": 1},
        ),
    ],
)
def test_a_citation_becomes_anthropics_where_it_has_the_location(
    location: dict[str, Any], dialect: str, expected: dict[str, Any]
) -> None:
    citation = {"title": "T", "sourceContent": [{"text": "qu"}, {"text": "ote"}], "location": location}
    block = {"citationsContent": {"content": [{"text": "So it is."}], "citations": [citation]}}

    (said,) = [event for event in whole(block) if isinstance(event, CitationDelta)]

    assert dialect == said.dialect
    assert {**expected, "cited_text": "quote", "document_title": "T"} == json.loads(bytes(said.citation))
    assert meaning(whole(block)) == meaning(reported(answer(block)))


def test_citations_of_searches_and_of_the_web() -> None:
    found = {
        "title": "T",
        "source": "https://x",
        "location": {"searchResultLocation": {"searchResultIndex": 2, "start": 0, "end": 1}},
    }
    page = {"title": "T", "sourceContent": [{"text": "q"}], "location": {"web": {"url": "https://x", "domain": "x"}}}
    other = {"location": {"of_tomorrow": {"a": 1}}}
    block = {"citationsContent": {"content": [{"text": "So."}], "citations": [found, page, other]}}

    first, second, third = (event for event in whole(block) if isinstance(event, CitationDelta))

    assert "anthropic" == first.dialect
    assert json.loads(bytes(first.citation)) == {
        "type": "search_result_location",
        "cited_text": "",
        "source": "https://x",
        "title": "T",
        "search_result_index": 2,
        "start_block_index": 0,
        "end_block_index": 1,
    }
    assert Source(url="https://x", title="T", text="q") == source_of(second)
    assert ("bedrock", other) == (third.dialect, json.loads(bytes(third.citation)))
