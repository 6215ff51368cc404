"""Laws of Gemini's dialect: a stream is the whole answer however it is cut, and nothing that comes in raises."""

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from adapters.providers.dialect import ServerEvent
from adapters.providers.google import GOOGLE
from domain.model_api.events import Broken, Ended, Event
from tests.support.google import reported, sse, streamed

TEXT = st.text(max_size=8)
SIGNATURE = st.none() | st.sampled_from(["c2ln", "ZW5k"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


def signed(part: dict[str, Any], signature: str | None) -> dict[str, Any]:
    return part if signature is None else {**part, "thoughtSignature": signature}


PARTS = st.one_of(
    st.builds(signed, st.fixed_dictionaries({"text": TEXT}), SIGNATURE),
    st.builds(signed, st.fixed_dictionaries({"text": TEXT, "thought": st.just(True)}), SIGNATURE),
    st.builds(
        signed,
        st.fixed_dictionaries(
            {
                "functionCall": st.fixed_dictionaries(
                    {"name": st.sampled_from(["a", "b"])}, optional={"args": st.dictionaries(TEXT, JSON, max_size=2)}
                )
            }
        ),
        SIGNATURE,
    ),
    st.builds(signed, st.just({"executableCode": {"code": "1"}}), SIGNATURE),
    st.builds(signed, st.just({}), SIGNATURE),
)
FINISHES = st.sampled_from(["STOP", "MAX_TOKENS", "SAFETY", "OTHER"])
HEAD = {"responseId": "r1", "modelVersion": "gemini-3-pro-preview"}


def usage(answered: int) -> dict[str, int]:
    return {"promptTokenCount": 7, "candidatesTokenCount": answered, "totalTokenCount": 7 + answered}


def without_cuts(said: dict[str, Any]) -> dict[str, Any]:
    """What is said, where pieces of thinking that follow each other are one."""
    return {**said, "thoughts": list(said["thoughts"].values())}


@given(st.lists(PARTS, max_size=6), FINISHES, st.data())
def test_a_stream_gives_the_events_of_the_complete_answer(parts: list[Any], finish: str, data: st.DataObject) -> None:
    """Each part in a chunk of its own or with its neighbours, a text in pieces, the finish with the last or after. (G20)"""
    ending = {"finishReason": finish, "index": 0}
    whole = {"candidates": [{"content": {"parts": parts}, **ending}], "usageMetadata": usage(9), **HEAD}
    pieces: list[Any] = []
    for part in parts:
        text = part.get("text", "")
        at = data.draw(st.integers(0, len(text)))
        first = {name: value for name, value in part.items() if name != "thoughtSignature"}
        pieces += [{**first, "text": text[:at]}, {**part, "text": text[at:]}] if 0 < at < len(text) else [part]
    chunks: list[Any] = []
    rest = pieces
    while rest:
        count = data.draw(st.integers(1, len(rest)))
        chunks.append(
            {"candidates": [{"content": {"parts": rest[:count]}}], "usageMetadata": usage(len(chunks)), **HEAD}
        )
        rest = rest[count:]
    with_the_last: bool = data.draw(st.booleans())
    if chunks and with_the_last:
        chunks[-1] = {**chunks[-1], "usageMetadata": usage(9)}
        chunks[-1]["candidates"] = [chunks[-1]["candidates"][0] | ending]
    else:
        chunks.append({"candidates": [ending], "usageMetadata": usage(9), **HEAD})
    stream = sse(*chunks)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=4)))
    cut = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]

    assert without_cuts(reported(GOOGLE.decode(json.dumps(whole).encode()))) == without_cuts(reported(streamed(*cut)))


def ends_once(events: tuple[Event, ...]) -> bool:
    return [isinstance(event, Ended | Broken) for event in events] == [False] * (len(events) - 1) + [True]


KEYS = st.sampled_from(
    ["candidates", "content", "parts", "text", "thought", "functionCall", "args", "name", "finishReason", "index", "error",
     "usageMetadata", "promptTokenCount", "groundingMetadata", "groundingSupports", "segment", "groundingChunks",
     "promptFeedback", "blockReason", "logprobsResult", "chosenCandidates", "code", "message", "details"]
)  # fmt: skip
DECODE_ERRORS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["STOP", "SAFETY", "", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@given(DECODE_ERRORS.map(json.dumps).map(str.encode) | st.binary(max_size=40))
@example(b'{"candidates":[{"content":{"parts":[{"functionCall":{"args":[1]}}]},"finishReason":"STOP"}]}')
@example(b'{"candidates":[{"index":-1,"finishReason":"MALFORMED_FUNCTION_CALL"}]}')
def test_whatever_comes_ends_once_and_never_raises(body: bytes) -> None:
    assert ends_once(GOOGLE.decode(body))
    state = GOOGLE.start()
    for _ in range(2):
        state, events = GOOGLE.step(state, ServerEvent("", body, b"x"))
        assert sum(isinstance(event, Ended | Broken) for event in events) <= 1


@given(st.integers(100, 999), st.dictionaries(st.sampled_from(["retry-after", "date"]), TEXT), DECODE_ERRORS | TEXT)
def test_whatever_fails_is_a_failure(status: int, headers: dict[str, str], said: Any) -> None:
    failure = GOOGLE.failure(status, headers, json.dumps(said).encode())

    assert (status, True) == (failure.status, bool(failure.message))
    assert failure.retry_after_ms is None or failure.retry_after_ms >= 0
