"""The laws of Anthropic's answers: whole equals stream, and no bytes make it raise."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from adapters.providers.anthropic import ANTHROPIC
from adapters.providers.dialect import ServerEvent
from domain.model_api.events import Ended
from tests.support.anthropic import event, fold, meaning

_words = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_inputs = st.dictionaries(_words, st.one_of(_words, st.integers(), st.booleans(), st.lists(st.integers())), max_size=3)
_blocks = st.lists(
    st.one_of(
        st.builds(lambda text: {"type": "text", "text": text}, _words),
        st.builds(
            lambda text, cited: {"type": "text", "text": text, "citations": [{"c": one} for one in cited]},
            _words,
            st.lists(_words, max_size=3),
        ),
        st.builds(lambda text, sig: {"type": "thinking", "thinking": text, "signature": sig}, _words, _words),
        st.builds(lambda data: {"type": "redacted_thinking", "data": data}, _words),
        st.builds(lambda given: {"type": "tool_use", "id": "t", "name": "n", "input": given}, _inputs),
        st.builds(lambda given: {"type": "server_tool_use", "id": "s", "name": "n", "input": given}, _inputs),
        st.builds(lambda said: {"type": "mcp_tool_result", "content": said}, _words),
    ),
    max_size=6,
)
_counts = st.integers(0, 10**9)


def _streamed(blocks: list[dict[str, Any]], cut: int) -> list[ServerEvent]:
    """The events that Anthropic's documentation promises for the blocks, cut into pieces of `cut` characters."""

    def pieces(text: str) -> list[str]:
        return [text[at : at + cut] for at in range(0, len(text), cut)]

    events = []
    for index, block in enumerate(blocks):
        begun, deltas = dict(block), []
        match block["type"]:
            case "text":
                deltas = [{"type": "citations_delta", "citation": one} for one in begun.pop("citations", [])]
                deltas += [{"type": "text_delta", "text": piece} for piece in pieces(block["text"])]
                begun["text"] = ""
            case "thinking":
                deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"])]
                deltas += [{"type": "signature_delta", "signature": block["signature"]}]
                begun |= {"thinking": "", "signature": ""}
            case "tool_use" | "server_tool_use":
                spelled = json.dumps(block["input"]) if block["input"] else ""
                deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ["", *pieces(spelled)]]
                begun["input"] = {}
        events.append(event("content_block_start", index=index, content_block=begun))
        events += [event("content_block_delta", index=index, delta=delta) for delta in deltas]
        events.append(event("content_block_stop", index=index))
    return events


@given(_blocks, st.integers(1, 9), _counts, _counts, _counts)
def test_whole_equals_stream(blocks: list[dict[str, Any]], cut: int, fresh: int, read: int, out: int) -> None:
    """(G20)"""
    usage = {"input_tokens": fresh, "cache_read_input_tokens": read, "output_tokens": out}
    head = {"id": "m", "type": "message", "model": "c"}
    whole = head | {"content": blocks, "stop_reason": "end_turn", "stop_sequence": None, "usage": usage}
    started: dict[str, Any] = head | {
        "content": [],
        "stop_reason": None,
        "usage": usage | {"output_tokens": min(1, out)},
    }
    stream = [
        event("message_start", message=started),
        *_streamed(blocks, cut),
        event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": out}),
        event("message_stop"),
    ]

    assert meaning(fold(stream)) == meaning(ANTHROPIC.decode(json.dumps(whole).encode()))


@given(st.lists(st.tuples(st.sampled_from([*"abc", "content_block_delta", "message_stop", "error"]), st.binary())))
def test_no_bytes_make_a_stream_raise(events: list[tuple[str, bytes]]) -> None:
    reported = fold([ServerEvent(name, data, data) for name, data in events])

    assert (Ended() in reported) == any(name == "message_stop" for name, _ in events)
