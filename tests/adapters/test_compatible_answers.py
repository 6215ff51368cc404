"""Extra content in the answers of compatible servers."""

import json
from typing import Any

import pytest

from adapters.providers.dialect import ServerEvent
from adapters.providers.openai import OPENAI
from domain.model_api.events import AudioDelta
from entrypoints.http.dialects.openai_chat import OPENAI_CALLER
from tests.adapters.openai_events import folded, reported
from tests.support.rendering import a_rendering


def test_pages_cited_for_the_whole_answer_are_reported_once_each() -> None:
    """Perplexity repeats them with every chunk; something else under that name means nothing."""

    def chunk(*pages: Any) -> ServerEvent:
        choices = [{"index": 0, "delta": {"content": "x"}, "finish_reason": None}]
        return ServerEvent("", json.dumps({"id": "c", "citations": pages, "choices": choices}).encode(), b"")

    pages = ["https://a.test", "https://b.test"]
    streamed = reported(folded([chunk(*pages[:1]), chunk(*pages[:1]), chunk(*pages), chunk({"no": "url"})]))
    message = {"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}], "citations": pages}

    for answer in (streamed, reported(OPENAI.decode(json.dumps(message).encode()))):
        cited = [json.loads(citation) for citation in answer["choices"][0]["cited"]]
        assert [{"type": "url_citation", "url_citation": {"url": page}} for page in pages] == cited


def test_images_and_tools_that_a_vendor_ran_are_kept_by_their_own_name() -> None:
    image, ran = (
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        {"type": "search", "index": 0},
    )
    message = {"content": "x", "images": [image], "executed_tools": [ran]}
    events = OPENAI.decode(json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode())

    rendering = a_rendering()
    rendered = json.loads(OPENAI_CALLER.whole(events, rendering))["choices"][0]["message"]

    assert ([image], [ran]) == (rendered["images"], rendered["executed_tools"])


@pytest.mark.parametrize(
    "odd", [{"images": {}}, {"executed_tools": "x"}, {"images": [1]}, {"audio": "x"}, {"audio": {"transcript": 5}}]
)
def test_the_same_names_for_something_else_break_nothing(odd: dict[str, Any]) -> None:
    body = {"choices": [{"message": {"content": "x", **odd}, "finish_reason": "stop"}], "citations": {"no": "list"}}

    assert ("x", True) == (
        reported(OPENAI.decode(json.dumps(body).encode()))["choices"][0]["text"],
        reported(OPENAI.decode(json.dumps(body).encode()))["ended"],
    )


def test_arguments_that_are_an_object_are_its_text() -> None:
    calls = [{"id": "0", "type": "function", "function": {"name": "look", "arguments": {"at": "é"}}}]
    body = {"choices": [{"message": {"content": None, "tool_calls": calls}, "finish_reason": "tool_calls"}]}

    assert {0: ("0", "look", '{"at":"é"}')} == reported(OPENAI.decode(json.dumps(body).encode()))["choices"][0]["calls"]


@pytest.mark.parametrize("message", [{}, {"message": {"content": ""}}])
def test_a_failed_choice_reports_its_reason(message: dict[str, Any]) -> None:
    error = {"code": 502, "message": "Upstream went away."}
    body = {"choices": [{"index": 0, "error": error, "finish_reason": "error", **message}]}

    failure = reported(OPENAI.decode(json.dumps(body).encode()))["failure"]

    assert ("unavailable", "Upstream went away.", 502) == (failure.kind, failure.message, failure.status)


def test_speech_is_returned_as_its_transcript() -> None:
    audio = [{"id": "audio_1", "transcript": "Hel"}, {"data": "AAAA"}, {"transcript": "lo"}, {"expires_at": 1}]
    chunks = [
        ServerEvent("", json.dumps({"id": "c", "choices": [{"index": 0, "delta": {"audio": audio}}]}).encode(), b"")
        for audio in audio
    ]
    message = {"content": None, "audio": {"id": "audio_1", "transcript": "Hello", "data": "AAAA", "expires_at": 1}}
    whole = OPENAI.decode(json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode())

    assert ["Hello", "Hello"] == [reported(events)["choices"][0]["text"] for events in (folded(chunks), whole)]
    assert [AudioDelta(byte_count=3)] == [event for event in whole if isinstance(event, AudioDelta)]


def test_a_part_that_only_its_vendor_knows_is_kept() -> None:
    """Mistral's references: https://docs.mistral.ai/capabilities/citations."""
    reference = {"type": "reference", "reference_ids": [1, 2]}
    content = [{"type": "text", "text": "So "}, reference, {"type": "text", "text": "it is."}]
    events = OPENAI.decode(
        json.dumps({"choices": [{"message": {"content": content}, "finish_reason": "stop"}]}).encode()
    )

    rendered = json.loads(OPENAI_CALLER.whole(events, a_rendering()))["choices"][0]["message"]

    assert ("So it is.", [reference]) == (rendered["content"], [b["block"] for b in rendered["provider_blocks"]])
