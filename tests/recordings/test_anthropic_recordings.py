"""Real traffic with Anthropic means to the dialect what it says to a naive reader.

The recordings lie beside the repository, or where AIHUB_RECORDINGS says; without them nothing runs here.
"""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from adapters.providers.anthropic import ANTHROPIC
from domain.model_api.call import ModelCall
from domain.model_api.events import Event, TextDelta
from domain.model_api.requests import ChatRequest, ProviderPart
from entrypoints.http.dialects.anthropic import ANTHROPIC_CALLER
from tests.recordings.left_out import without
from tests.recordings.seen import FOLDER, label, recorded
from tests.support.anthropic import assemble, attempt, fold, meaning, server_events
from tests.support.rendering import a_rendering

_RECORDED = {
    label(path.stem, number): exchange
    for path in sorted(FOLDER.glob("anthropic-messages*.jsonl"))
    for number, exchange in enumerate(recorded(path.stem))
}

_FINISH = {"end_turn": "stop", "max_tokens": "length", "tool_use": "tool_calls", "refusal": "refusal"}


def _exchanges(wanted: Callable[[Any], bool]) -> list[Any]:
    return [pytest.param(exchange, id=name) for name, exchange in _RECORDED.items() if wanted(exchange)]


def _is_stream(exchange: Any) -> bool:
    return "event-stream" in exchange["response"]["content_type"]


_EVERY = _exchanges(lambda exchange: True)
_ANSWERED = _exchanges(lambda exchange: exchange["response"]["status"] == 200)
_FAILED = _exchanges(lambda exchange: exchange["response"]["status"] != 200)
_STREAMED = _exchanges(_is_stream)


def _events(exchange: Any) -> tuple[Event, ...]:
    text = exchange["response"]["text"]
    return fold(server_events(text)) if _is_stream(exchange) else ANTHROPIC.decode(text.encode())


# --- the naive reading ----------------------------------------------------------------------------------


def _message(exchange: Any) -> Any:
    """The recorded message, for a stream put together block by block."""
    if not _is_stream(exchange):
        return json.loads(exchange["response"]["text"])
    message: Any = {}
    inputs: dict[int, str] = {}
    for server_event in server_events(exchange["response"]["text"]):
        data = json.loads(server_event.data)
        match data["type"]:
            case "message_start":
                message = data["message"]
            case "content_block_start":
                message["content"].append(data["content_block"])
            case "content_block_delta":
                block, delta = message["content"][data["index"]], data["delta"]
                for name in ("text", "thinking", "signature"):
                    if name in delta:
                        block[name] += delta[name]
                if "citation" in delta:
                    block["citations"].append(delta["citation"])
                if "partial_json" in delta:
                    inputs[data["index"]] = inputs.get(data["index"], "") + delta["partial_json"]
            case "message_delta":
                message |= data["delta"]
                message["usage"] |= data["usage"]
    for index, spelled in inputs.items():
        message["content"][index]["input"] = json.loads(spelled or "{}")
    return message


def _blocks(message: Any, *kinds: str) -> list[Any]:
    return [block for block in message["content"] if block["type"] in kinds]


def _naive_usage(reported: Any) -> dict[str, int]:
    thinking = (reported.get("output_tokens_details") or {}).get("thinking_tokens") or 0
    counts = {
        "input_tokens": reported["input_tokens"],
        "cache_read_tokens": reported["cache_read_input_tokens"],
        "cache_write_tokens": reported["cache_creation"]["ephemeral_5m_input_tokens"],
        "cache_write_1h_tokens": reported["cache_creation"]["ephemeral_1h_input_tokens"],
        "output_tokens": reported["output_tokens"] - thinking,
        "reasoning_tokens": thinking,
        "tool_uses": (reported.get("server_tool_use") or {}).get("web_search_requests", 0),
    }
    return {name: count for name, count in counts.items() if count}


# --- answers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exchange", _ANSWERED)
def test_an_answer_means_what_is_recorded(exchange: Any) -> None:
    said, message = meaning(_events(exchange)), _message(exchange)

    known = ("text", "thinking", "redacted_thinking", "tool_use")
    assert said["started"] == (message["id"], message["model"])
    assert said["text"] == "".join(block["text"] for block in _blocks(message, "text"))
    assert list(said["thinking"].values()) == [
        (block.get("thinking", ""), block.get("signature", ""), block.get("data", ""))
        for block in _blocks(message, "thinking", "redacted_thinking")
    ]
    assert list(said["tools"].values()) == [
        ((block["id"], block["name"]), block["input"]) for block in _blocks(message, "tool_use")
    ]
    reported = (message.get(name) for name in ("container", "context_management", "stop_details"))
    beside = [value for value in reported if value not in (None, {"applied_edits": []})]
    assert [block for _, block in said["foreign"]] == [
        *(block for block in message["content"] if block["type"] not in known),
        *beside,
    ]
    assert [one for _, one in said["citations"]] == [
        one for block in _blocks(message, "text") for one in block.get("citations") or []
    ]
    assert said["usage"] == _naive_usage(message["usage"])
    assert said["endings"] == [(_FINISH[message["stop_reason"]], message["stop_sequence"]), "ended"]


@pytest.mark.parametrize("exchange", _FAILED)
def test_a_recorded_failure_is_reported_with_its_own_message(exchange: Any) -> None:
    response = exchange["response"]
    failure = ANTHROPIC.failure(response["status"], response["headers"], response["text"].encode())

    error = json.loads(response["text"])["error"]
    assert (failure.kind, failure.code, failure.message) == ("request_rejected", error["type"], error["message"])


@pytest.mark.parametrize("exchange", _ANSWERED)
def test_an_answer_is_rendered_again_as_it_was(exchange: Any) -> None:
    """But for texts that are empty."""
    events, message = _events(exchange), _message(exchange)
    rendering = a_rendering(message["id"], model=message["model"])
    state, stream = ANTHROPIC_CALLER.start(rendering), b""
    for event in events:
        state, more = ANTHROPIC_CALLER.render(state, event)
        stream += more

    assembled = assemble(stream)
    assert assembled.pop("stopped")
    assert assembled == json.loads(ANTHROPIC_CALLER.whole(events, rendering))
    assert assembled["stop_reason"] == message["stop_reason"]
    assert [_sketch(b) for b in assembled["content"]] == [_sketch(b) for b in message["content"] if b.get("text") != ""]
    for name in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens"):
        assert assembled["usage"][name] == message["usage"][name]


def _sketch(block: Any) -> Any:
    """A block without the `caller` of a tool, which is always the model, and without citations that are none."""
    return {name: value for name, value in block.items() if value and name != "caller"}


@pytest.mark.parametrize("exchange", _STREAMED)
def test_a_recorded_stream_that_is_cut_never_ends(exchange: Any) -> None:
    events = server_events(exchange["response"]["text"])

    assert _endings(fold(events[:-1])) == [_FINISH[_message(exchange)["stop_reason"]]]
    assert any(isinstance(reported, TextDelta) for reported in fold(events[:-1]))


def _endings(events: tuple[Event, ...]) -> list[Any]:
    return [
        getattr(reported, "reason", "ended") for reported in events if type(reported).__name__ in ("Finished", "Ended")
    ]


# --- requests -------------------------------------------------------------------------------------------


def _call(exchange: Any) -> ModelCall:
    call = ANTHROPIC_CALLER.read(json.dumps(exchange["request"]).encode())
    assert isinstance(call, ModelCall)
    return call


@pytest.mark.parametrize("exchange", _EVERY)
def test_a_recorded_request_passes_through_with_every_field(exchange: Any) -> None:
    body = ANTHROPIC.pass_through(_call(exchange), attempt("another", output_cap=7))

    assert json.loads(body) == exchange["request"] | {"model": "another", "max_tokens": 7}
    assert list(json.loads(body)) == list(exchange["request"])


@pytest.mark.parametrize("exchange", _EVERY)
def test_a_recorded_request_is_sent_again_or_refused_by_name(exchange: Any) -> None:
    request = ANTHROPIC_CALLER.to_request(_call(exchange))
    assert isinstance(request, ChatRequest)
    refusal = ANTHROPIC.refuses(request)

    if refusal is not None:
        assert refusal.field in request.extra
        assert refusal.field.split(".")[0] in exchange["request"]
    else:
        again = json.loads(ANTHROPIC.encode(request, attempt(request.model)))
        assert ANTHROPIC.unsupported is not None
        requested = without(exchange["request"], {lack.field for lack in ANTHROPIC.unsupported(request)})
        assert _plain(again) == _plain(requested)


@pytest.mark.parametrize("exchange", _EVERY)
def test_a_block_without_a_canonical_form_is_refused_by_other_dialects(exchange: Any) -> None:
    request = ANTHROPIC_CALLER.to_request(_call(exchange))
    assert isinstance(request, ChatRequest)

    named = {part.name for message in request.messages for part in message.parts if isinstance(part, ProviderPart)}
    assert named <= {
        "bash_code_execution_tool_result",
        "container_upload",
        "mcp_tool_result",
        "mcp_tool_use",
        "server_tool_use",
        "tool_addition",
        "tool_result.image.source.file",
        "tool_result.tool_reference",
        "tool_search_tool_result",
        "web_fetch_tool_result",
    }


def _plain(request: Any) -> Any:
    """A request in one of several spellings of the same: blocks instead of strings, nothing that is the default."""
    plain = dict(request)
    if "tools" not in plain and plain.get("tool_choice") == {"type": "auto"}:
        del plain["tool_choice"]  # Without tools there is nothing to choose.
    if not plain.get("stream"):
        plain.pop("stream", None)
    if isinstance(plain.get("system"), str):
        plain["system"] = [{"type": "text", "text": plain["system"]}]
    plain["messages"] = _merged(plain["messages"])
    return msgspec.to_builtins(plain)


def _merged(messages: list[Any]) -> list[Any]:
    turns: list[Any] = []
    for message in messages:
        content = _plain_blocks(message["content"])
        # What the system says later in a conversation is sent in the user's turn, which every model takes.
        role = message["role"].replace("system", "user")
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += content
        else:
            turns.append({"role": role, "content": content})
    return turns


def _plain_blocks(content: Any) -> list[Any]:
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    plain = []
    for block in blocks:
        if block["type"] == "tool_result":
            kept = {name: value for name, value in block.items() if name != "is_error" or value}
            plain.append(kept | {"content": _plain_blocks(block.get("content") or [])})
        elif block != {"type": "text", "text": ""}:
            plain.append(block)
    return plain
