"""Events of the Gemini API's answers, complete and streamed."""

import json
from typing import Any

import pytest

from adapters.providers.google import GOOGLE
from domain.model_api.events import Ended, UsageReported
from domain.usage import Usage
from tests.support.google import failed, reported, sse, streamed

USAGE = {"promptTokenCount": 9, "candidatesTokenCount": 4, "thoughtsTokenCount": 20, "totalTokenCount": 33}


def answer(*parts: Any, finish: str | None = "STOP", usage: Any = None, **more: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0, **more}
    if finish is not None:
        candidate["finishReason"] = finish
    return {
        "candidates": [candidate],
        "usageMetadata": usage or USAGE,
        "modelVersion": "gemini-3-flash-preview",
        "responseId": "r1",
    }


def whole(*parts: Any, **more: Any) -> dict[str, Any]:
    return reported(GOOGLE.decode(json.dumps(answer(*parts, **more)).encode()))


def test_a_text_its_ending_and_its_usage() -> None:
    said = whole({"text": "Ottawa."})

    assert {
        "text": "Ottawa.",
        "finish": ["stop"],
        "started": ("r1", "gemini-3-flash-preview"),
        "usage": {"input_tokens": 9, "output_tokens": 4, "reasoning_tokens": 20},
        "ended": True,
    } == {name: said[name] for name in ("text", "finish", "started", "usage", "ended")}


def test_calls_at_once_get_ids_where_google_gives_none_and_end_as_calls() -> None:
    said = whole(
        {"functionCall": {"name": "weather", "args": {"city": "Oslo"}}},
        {"functionCall": {"name": "weather", "args": {"city": "Rome"}}},
        {"functionCall": {"name": "now", "id": "google-7"}},
    )

    assert {
        0: ("call_r1_0", "weather", {"city": "Oslo"}),
        1: ("call_r1_1", "weather", {"city": "Rome"}),
        2: ("google-7", "now", {}),
    } == said["calls"]
    assert ["tool_calls"] == said["finish"]


def test_thoughts_are_distinguished_from_text_and_a_signature_closes_its_block() -> None:
    said = whole(
        {"text": "First the capital.", "thought": True, "thoughtSignature": "c2ln"},
        {"text": "Then the weather.", "thought": True},
        {"text": "Ottawa."},
        {"text": "", "thoughtSignature": "ZW5k"},
    )

    assert {0: ("First the capital.", "c2ln"), 1: ("Then the weather.", None)} == said["thoughts"]
    assert ("Ottawa.", ["c2ln", "ZW5k"]) == (said["text"], said["signed"])


def test_a_call_carries_its_signature() -> None:
    said = whole({"functionCall": {"name": "now", "args": {}}, "thoughtSignature": "c2ln"})

    assert ["c2ln"] == said["signed"]


def test_code_images_and_grounding_are_kept_by_the_names_that_google_gives_them() -> None:
    image = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0="}}
    code = {"executableCode": {"language": "PYTHON", "code": "print(1)"}, "thoughtSignature": "c2ln"}
    grounding = {"webSearchQueries": ["capital of Canada"]}
    said = whole({"text": "Here:"}, image, code, groundingMetadata=grounding, urlContextMetadata={})

    assert [("inlineData", image), ("executableCode", code), ("groundingMetadata", grounding)] == said["foreign"]


def test_logprobs_are_converted_to_openais_form() -> None:
    chosen = [{"token": "é", "logProbability": -0.25, "tokenId": 9}, {"token": "!", "logProbability": -1}]
    top = [{"candidates": [{"token": "é", "logProbability": -0.25}, {"token": "e", "logProbability": -4.5}]}]
    said = whole({"text": "é!"}, logprobsResult={"chosenCandidates": chosen, "topCandidates": top})

    likely = {"token": "é", "logprob": -0.25, "bytes": [195, 169]}
    other = {"token": "e", "logprob": -4.5, "bytes": [101]}
    last = {"token": "!", "logprob": -1, "bytes": [33], "top_logprobs": []}
    assert [("logprobs", {"content": [{**likely, "top_logprobs": [likely, other]}, last]})] == said["foreign"]


def test_a_grounded_text_cites_its_sources_at_the_supported_text() -> None:
    """Google counts bytes, of the whole text however it was streamed; the words decide where it counts otherwise."""
    chunks = [{"web": {"uri": "https://a.test", "title": "A"}}, {"web": {"uri": "https://b.test"}}, {"retrieved": {}}]
    supports = [
        {"segment": {"endIndex": 7, "text": "Zürich"}, "groundingChunkIndices": [0, 1, 2, 9]},
        {"segment": {"startIndex": 12, "endIndex": 15, "text": "big"}, "groundingChunkIndices": [1]},
        {"segment": {"startIndex": 3, "endIndex": 9, "text": "elsewhere"}, "groundingChunkIndices": [0]},
        {"segment": {"startIndex": 3, "endIndex": 9}},
    ]
    grounding = {"groundingChunks": chunks, "groundingSupports": supports}
    first, last = answer({"text": "Zürich "}, finish=None), answer({"text": "is big."}, groundingMetadata=grounding)

    assert [
        ("https://a.test", "A", "Zürich", 0, 6),
        ("https://b.test", None, "Zürich", 0, 6),
        ("https://b.test", None, "big", 10, 13),
        ("https://a.test", "A", "elsewhere", None, None),
    ] == reported(streamed(sse(first, last)))["cited"]


@pytest.mark.parametrize(
    ("model", "queries", "uses"),
    [
        ("gemini-3-flash-preview", ["", "a", "b", "a"], 2),
        ("gemini-2.5-pro", ["a", "b"], 1),
        ("gemini-2.5-pro", [], 0),
    ],
)
def test_searches_are_counted_as_google_charges_them(model: str, queries: list[str], uses: int) -> None:
    body = answer({"text": "Yes."}, groundingMetadata={"webSearchQueries": queries, "groundingChunks": []})

    said = reported(GOOGLE.decode(json.dumps(body | {"modelVersion": model}).encode()))

    assert uses == said["usage"].get("tool_uses", 0)


def test_a_search_that_only_its_call_reports_is_counted_once() -> None:
    call = {"toolCall": {"toolType": "GOOGLE_SEARCH_WEB", "args": {"queries": ["a"]}, "id": "t1"}}
    said = whole(call, {"text": "Yes."}, groundingMetadata={"webSearchQueries": ["a"]})

    assert 1 == said["usage"]["tool_uses"]


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("MODEL_ARMOR", "content_filter"),
        ("OTHER", "stop"),
        ("A_WORD_OF_NEXT_YEAR", "stop"),
    ],
)
def test_how_the_model_ended(word: str, reason: str) -> None:
    assert [reason] == whole({"text": "So"}, finish=word)["finish"]


def test_why_an_answer_was_withheld_is_kept() -> None:
    ratings = [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "HIGH", "blocked": True}]
    said = whole(finish="SAFETY", finishMessage="It was blocked.", safetyRatings=ratings)

    reported_why = {"finishReason": "SAFETY", "finishMessage": "It was blocked.", "safetyRatings": ratings}
    assert ("", [("finish", reported_why)], True) == (said["text"], said["foreign"], said["ended"])


def test_a_blocked_prompt_is_an_answer_that_was_withheld() -> None:
    feedback = {"blockReason": "PROHIBITED_CONTENT"}
    body = {"promptFeedback": feedback, "usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 9}}

    for events in (GOOGLE.decode(json.dumps(body).encode()), streamed(sse(body))):
        said = reported(events)
        assert (["content_filter"], {"input_tokens": 9}, True) == (said["finish"], said["usage"], said["ended"])
        assert [("promptFeedback", feedback)] == said["foreign"]


def test_a_call_of_an_undeclared_tool_is_returned() -> None:
    said = whole({"functionCall": {"name": "ls", "args": {}}}, finish="UNEXPECTED_TOOL_CALL")

    assert (["tool_calls"], 1, True) == (said["finish"], len(said["calls"]), said["ended"])


@pytest.mark.parametrize("word", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "NO_IMAGE"])
def test_an_ending_that_leaves_nothing_to_use_is_a_malformed_answer(word: str) -> None:
    body = answer(finish=word, finishMessage="Malformed function call: print(")

    for events in (GOOGLE.decode(json.dumps(body).encode()), streamed(sse(body))):
        failure = failed(events)
        assert ("malformed", True) == (failure.kind, word in failure.message)


def test_an_incomplete_answer_is_returned_with_its_content() -> None:
    said = whole({"text": "I cannot draw that."}, finish="NO_IMAGE")

    assert ("I cannot draw that.", ["stop"], True) == (said["text"], said["finish"], said["ended"])
    assert [("finish", {"finishReason": "NO_IMAGE"})] == said["foreign"]


def test_a_part_keeps_its_kind_with_other_fields() -> None:
    image = {"inlineData": {"mimeType": "image/png", "data": "aGk="}}
    said = whole({"unheardOf": 1, **image, "text": None}, {"unheardOf": 1, "videoMetadata": {}})

    assert ["inlineData", "unheardOf"] == [name for name, _ in said["foreign"]]


def test_several_candidates_are_several_choices() -> None:
    body = answer({"text": "One."})
    body["candidates"].append({"index": 1, "content": {"parts": [{"text": "Two."}]}, "finishReason": "MAX_TOKENS"})
    events = GOOGLE.decode(json.dumps(body).encode())

    assert [("One.", ["stop"]), ("Two.", ["length"])] == [
        (said["text"], said["finish"]) for said in (reported(events, 0), reported(events, 1))
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"<html>",
        b'{"candidates":"none"}',
        b'{"candidates":[]}',
        b'{"usageMetadata":{"promptTokenCount":4}}',
        b"[" * 10_000,
    ],
)
def test_invalid_input_is_a_malformed_answer_and_never_an_exception(body: bytes) -> None:
    assert "malformed" == failed(GOOGLE.decode(body)).kind


@pytest.mark.parametrize(
    ("usage", "units", "named"),
    [
        ({"promptTokenCount": 4, "cachedContentTokenCount": 5}, {"cache_read_tokens": 5}, ("cachedContentTokenCount", "promptTokenCount")),
        ({"promptTokenCount": -1, "candidatesTokenCount": 2}, {"output_tokens": 2}, ("promptTokenCount",)),
        ({"promptTokenCount": "4"}, {"input_tokens": 4}, ()),
        ({"promptTokenCount": 4.0, "promptTokensDetails": None}, {"input_tokens": 4}, ()),
        ({"promptTokenCount": 4, "promptTokensDetails": "none"}, {"input_tokens": 4}, ("promptTokensDetails",)),
        ("none", {}, ("usage cannot be read",)),
    ],
)  # fmt: skip
def test_an_odd_usage_is_read_and_noted(usage: Any, units: dict[str, int], named: tuple[str, ...]) -> None:
    events = GOOGLE.decode(json.dumps(answer({"text": "Hi"}, usage=usage)).encode())

    (report,) = (event for event in events if isinstance(event, UsageReported))
    assert Usage(**units) == report.usage
    assert bool(named) == bool(report.notes)
    assert all(name in report.notes[0] for name in named), report.notes
    assert isinstance(events[-1], Ended)


# --- streams --------------------------------------------------------------------------------------------


def test_a_stream_is_over_when_its_bytes_are_and_every_choice_has_finished() -> None:
    chunks = [answer({"text": "Ot"}, finish=None), answer({"text": "tawa."})]

    assert reported(streamed(sse(*chunks)))["ended"]
    assert not reported(streamed(sse(chunks[0])))["ended"]
    assert reported(streamed(sse(*chunks)[:-3]))["ended"], "nothing is missing but the blank line"
    assert not reported(streamed(sse(*chunks)[:-5]))["ended"]
    assert not reported(streamed(b""))["ended"]
    assert not reported(streamed(sse(*chunks, {"usageMetadata": USAGE}) + b'data: {"candid'))["ended"]


def test_what_comes_after_the_finish_still_counts() -> None:
    later = {"usageMetadata": {**USAGE, "candidatesTokenCount": 5}, "responseId": "r1"}
    said = reported(streamed(sse(answer({"text": "Ottawa."}), later)))

    assert (5, ["stop"], True) == (said["usage"]["output_tokens"], said["finish"], said["ended"])


def test_a_stream_without_a_finish_for_one_of_its_choices_is_cut() -> None:
    other = {"candidates": [{"index": 1, "content": {"parts": [{"text": "Two"}]}}]}

    assert not reported(streamed(sse(answer({"text": "One."}), other)))["ended"]


def test_each_chunk_reports_the_usage_so_far() -> None:
    chunks = [answer({"text": "Ot"}, finish=None, usage={"promptTokenCount": 9, "totalTokenCount": 9}), answer()]

    assert {"input_tokens": 9} == reported(streamed(sse(chunks[0])))["usage"]
    assert {"input_tokens": 9, "output_tokens": 4, "reasoning_tokens": 20} == reported(streamed(sse(*chunks)))["usage"]


def test_an_error_inside_a_stream_is_a_failure_of_its_own_kind() -> None:
    error = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
    failure = failed(streamed(sse(answer({"text": "Ot"}, finish=None), error)))

    assert ("unavailable", 503, "UNAVAILABLE", "The model is overloaded.") == (
        failure.kind,
        failure.status,
        failure.code,
        failure.message,
    )


def test_an_invalid_chunk_breaks_the_stream() -> None:
    assert "malformed" == failed(streamed(sse(answer({"text": "Ot"}, finish=None)) + b"data: {oops\n\n")).kind
