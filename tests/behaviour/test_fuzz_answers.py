"""Answers that no provider should give, the same for every interface by their seeds.

Whatever a provider answers: no error of the hub's own, nothing bought twice, no text that was delivered for nothing, and no
charge above its hold. FUZZ_ANSWERS says how many for each API of callers; a soak takes 100,000 in all.
"""

import gzip
import json
import os
import random
from typing import Any

import pytest

from tests.adapters.full_answers import STREAMS, WHOLES
from tests.behaviour import responses_answers
from tests.behaviour.plain_calls import CHAT, MESSAGES, RESPONSES, ask, body_for, responses_body
from tests.behaviour.stub import Stub
from tests.behaviour.stub_answers import TEXT, anthropic_stream, anthropic_whole, openai_stream, openai_whole
from tests.behaviour.test_fuzz import anything, mutated
from tests.simulation.auditor import audit
from tests.support.hub import HubProcess
from tests.support.provider import Handler, answering, streaming

ANSWERS, SOAK = int(os.environ.get("FUZZ_ANSWERS", "120")), 11_200
DELIVERED = TEXT[-8:].encode()
TYPES = ("application/json", "text/event-stream", "text/plain", "application/x-ndjson; charset=utf-8", "")
# What providers are known to count with, and what cannot be.
COUNTS: tuple[Any, ...] = (0, 1, 7, 7.0, 7.5, "7", "seven", -1, None, True, [], {}, 2**63, 10**30)
USAGES = (
    *("prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens", "cache_read_input_tokens"),
    *("prompt_tokens_details", "input_tokens_details", "cache_creation", "promptTokenCount", "totalTokenCount"),
)


def _gemini(text: str) -> tuple[bytes, list[bytes]]:
    usage = {"promptTokenCount": 11, "candidatesTokenCount": 7, "totalTokenCount": 18}
    part = {"candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}]}
    last = {"candidates": [{"finishReason": "STOP", "index": 0}], "usageMetadata": usage}
    whole = {**part, "candidates": [{**part["candidates"][0], "finishReason": "STOP"}], "usageMetadata": usage}
    return json.dumps(whole).encode(), [b"data: " + json.dumps(each).encode() + b"\r\n\r\n" for each in (part, last)]


PLAIN = {
    "oai": (openai_whole(), openai_stream()),
    "ant": (anthropic_whole(), anthropic_stream()),
    "rsp": (responses_answers.whole(), responses_answers.stream()),
    "goo": _gemini(TEXT),
}
RICH = {"oai": "openai", "ant": "anthropic", "rsp": "openai-responses", "goo": "google"}
MODELS = {"oai": "oai/m", "ant": "ant/m", "rsp": "rsp/m", "goo": "goo/gem"}


def _counted_oddly(chance: random.Random, value: Any) -> Any:
    """The value with other counts in whatever usage it tells."""
    if not isinstance(value, dict):
        return [_counted_oddly(chance, each) for each in value] if isinstance(value, list) else value
    return {
        name: chance.choice(COUNTS) if name in USAGES and chance.random() < 0.5 else _counted_oddly(chance, each)
        for name, each in value.items()
    }


def _changed(chance: random.Random, value: Any) -> Any:
    value = _counted_oddly(chance, value) if chance.random() < 0.5 else value
    return mutated(chance, value) if chance.random() < 0.5 else value


def _whole(chance: random.Random, provider: str) -> bytes:
    rich = WHOLES[RICH[provider]] if chance.random() < 0.4 else json.loads(PLAIN[provider][0])
    changed = anything(chance) if chance.random() < 0.03 else _changed(chance, rich)
    return json.dumps(changed, ensure_ascii=chance.random() < 0.5).encode()


def _event(name: str, data: Any) -> bytes:
    spelled = data if isinstance(data, str) else json.dumps(data)
    return (f"event: {name}\n" if name else "").encode() + b"data: " + spelled.encode() + b"\n\n"


def _rewritten(chance: random.Random, event: bytes) -> bytes:
    head, mark, data = event.rstrip().partition(b"data: ")
    if not mark or not data.startswith(b"{"):
        return event
    return head + mark + json.dumps(_changed(chance, json.loads(data))).encode() + b"\n\n"


def _stream(chance: random.Random, provider: str) -> list[bytes]:
    rich = [_event(name, data) for name, data in STREAMS[RICH[provider]]]
    events = rich if chance.random() < 0.4 else list(PLAIN[provider][1])
    events = [_rewritten(chance, event) if chance.random() < 0.3 else event for event in events]
    for _ in range(chance.choice((0, 0, 1, 2))):
        at = chance.randrange(len(events))
        match chance.randrange(4):
            case 0 if len(events) > 1:
                del events[at]
            case 1:
                events.insert(chance.randrange(len(events)), events[at])
            case 2:
                events.insert(0, events.pop(at))
            case _:
                events[at] = chance.choice((events[at][:-1], b": comment\n\n", b"data: {}\n\n", b"data: \n\n", b"\n"))
    return events


def _answer(chance: random.Random, provider: str, stream: bool) -> Handler:
    """An answer in some form: most in the one that was asked for."""
    if stream == (chance.random() < 0.85):
        events = _stream(chance, provider)
        if chance.random() < 0.8:
            return streaming(*events, cut=chance.random() < 0.05)
        body = b"".join(events)
    else:
        body = _whole(chance, provider)
    headers = {"Content-Type": chance.choice(TYPES)} if chance.random() < 0.3 else {}
    body = b"\xef\xbb\xbf" + body if chance.random() < 0.1 else body
    if chance.random() < 0.1:
        body, headers = gzip.compress(body, mtime=0), {**headers, "Content-Encoding": chance.choice(("gzip", ""))}
    return answering(200, body, headers)


@pytest.mark.parametrize("many", [ANSWERS, pytest.param(SOAK, marks=pytest.mark.soak)])
@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])
def test_answers_that_no_provider_should_give(hub: HubProcess, stub: Stub, path: str, many: int) -> None:
    chance = random.Random(f"answers {path}")
    delivered: list[str] = []
    answered = 0
    for number in range(many):
        provider, stream = chance.choice(list(PLAIN)), chance.random() < 0.6
        stub.reset()
        stub.always(_answer(chance, provider, stream))
        model = MODELS[provider]
        body = responses_body(model, stream=stream) if path == RESPONSES else body_for(path, model, stream=stream)

        received = ask(hub, path, body)

        said = (number, provider, received)
        assert received.status in (200, 502), said
        reported = received.status == 502 and received.json()["error"].get("code") not in ("malformed", "truncated")
        assert reported or 1 == len(stub.requests), said
        answered += received.status == 200
        if received.status == 200 and DELIVERED in received.body:
            call_id = received.header("x-request-id")
            assert call_id is not None
            delivered.append(call_id)

    assert answered > many // 3, "most can be read"
    calls = audit(hub.data_dir).calls
    assert all(call.charge <= call.hold for call in calls.values())
    assert [] == [call_id for call_id in delivered if calls[call_id].charge == 0]
