"""The laws of Converse's answers: whole equals stream, cuts change nothing, and no bytes make it raise."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from adapters.providers.bedrock import BEDROCK
from adapters.providers.dialect import ServerEvent
from domain.model_api.events import Ended
from tests.support.anthropic import meaning
from tests.support.bedrock import reported
from tests.support.eventstream import answer

_words = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_inputs = st.dictionaries(_words, st.one_of(_words, st.integers(), st.booleans(), st.lists(st.integers())), max_size=3)
_places = st.builds(lambda at: {"documentChar": {"documentIndex": at, "start": 0, "end": at}}, st.integers(0, 9))


def _tool(kind: str | None) -> st.SearchStrategy[dict[str, Any]]:
    typed = {} if kind is None else {"type": kind}
    return st.builds(lambda given: {"toolUse": {"toolUseId": "t", "name": "n", **typed, "input": given}}, _inputs)


_blocks = st.lists(
    st.one_of(
        st.builds(lambda text: {"text": text}, _words),
        st.builds(
            lambda text, signed: {"reasoningContent": {"reasoningText": {"text": text, "signature": signed}}},
            _words,
            _words,
        ),
        _tool(None),
        _tool("tool_use"),
        _tool("server_tool_use"),
        st.builds(
            lambda said: {"toolResult": {"toolUseId": "t", "content": [{"text": one} for one in said]}},
            st.lists(_words, min_size=1, max_size=3),
        ),
        st.builds(
            lambda text, places: {
                "citationsContent": {"content": [{"text": text}], "citations": [{"location": one} for one in places]}
            },
            _words,
            st.lists(_places, max_size=2),
        ),
        st.builds(lambda said: {"of_tomorrow": {"said": said}}, _words),
    ),
    max_size=6,
)
_counts = st.integers(0, 10**9)


@given(_blocks, _counts, _counts, _counts)
def test_whole_equals_stream(blocks: list[dict[str, Any]], fresh: int, read: int, out: int) -> None:
    usage = {"inputTokens": fresh, "cacheReadInputTokens": read, "outputTokens": out}
    whole = {"output": {"message": {"content": blocks}}, "stopReason": "tool_use", "usage": usage}

    streamed = reported(answer(*blocks, stop="tool_use", usage=usage))

    assert meaning(streamed) == meaning(BEDROCK.decode(json.dumps(whole).encode()))


@given(_blocks, st.lists(st.integers(0, 5000), max_size=5))
def test_where_a_stream_was_cut_changes_nothing(blocks: list[dict[str, Any]], cuts: list[int]) -> None:
    """(G20)"""
    stream = answer(*blocks)
    ends = sorted(min(cut, len(stream)) for cut in cuts)

    assert reported(stream) == reported(*(stream[a:b] for a, b in zip([0, *ends], [*ends, len(stream)], strict=True)))


_NAMES = ["messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata"]


@given(st.lists(st.tuples(st.sampled_from([*_NAMES, "exception:x", "malformed", "x"]), st.binary())))
def test_no_bytes_make_a_stream_raise(events: list[tuple[str, bytes]]) -> None:
    state = BEDROCK.start()
    for name, data in events:
        state, said = BEDROCK.step(state, ServerEvent(name, data, b""))
        assert Ended() not in said or name in ("messageStop", "metadata")


@given(st.binary())
def test_no_bytes_make_an_answer_raise(body: bytes) -> None:
    assert BEDROCK.decode(body)
    assert BEDROCK.failure(500, {"x-amzn-errortype": body.decode("latin-1")}, body).message
