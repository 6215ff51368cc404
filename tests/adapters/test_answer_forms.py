"""The form of an answer is detected from its bytes: complete or streamed, compressed or not, whatever its headers."""

import gzip
import json
import zlib
from collections.abc import Callable

import msgspec
import pytest

from adapters.providers.http import HttpProviders
from adapters.providers.transport import Http1Transport
from domain.failures import Failure
from domain.model_api.events import Broken, Ended, Event, TextDelta, UsageReported
from domain.usage import Usage
from tests.adapters.http_attempts import (
    DONE,
    HELLO,
    STOP,
    USAGE,
    WHOLE,
    answered,
    attempt_at,
    breach,
    chat,
    events_of,
    outcome,
    raw_of,
    shell,
)
from tests.support.provider import StubProvider, answering, streaming

pytestmark = pytest.mark.anyio

STREAM = HELLO + STOP + USAGE + DONE
BOM = b"\xef\xbb\xbf"
SSE, JSON = {"Content-Type": "text/event-stream"}, {"Content-Type": "application/json"}


def meaning(events: list[Event]) -> tuple[str, list[Usage], bool]:
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    return text, [event.usage for event in events if isinstance(event, UsageReported)], Ended() in events


COUNTED = [Usage(input_tokens=2, output_tokens=1)]


@pytest.mark.parametrize("headers", [SSE, JSON, {"Content-Type": ""}])
@pytest.mark.parametrize("before", [b"", BOM, b"\n", b": comment\n\n"])
async def test_a_stream_to_a_call_for_a_whole_answer_is_put_together(
    providers: HttpProviders, headers: dict[str, str], before: bytes
) -> None:
    (chunk,) = await answered(providers, answering(200, before + STREAM, headers), chat(stream=False))

    assert chunk.raw is None, "there are no bytes of the form that was asked for"
    assert ("hé", COUNTED, True) == meaning(list(chunk.events))


@pytest.mark.parametrize("headers", [SSE, JSON, {"Content-Type": ""}])
@pytest.mark.parametrize("before", [b"", BOM, b"\r\n  "])
async def test_a_complete_answer_to_a_streamed_call_is_split_into_events(
    providers: HttpProviders, headers: dict[str, str], before: bytes
) -> None:
    chunks = await answered(providers, answering(200, before + WHOLE, headers), chat())

    assert ("hi", COUNTED, True) == meaning(events_of(chunks))
    assert [(Ended(),), None] == [chunks[-1].events, chunks[-1].raw], "the end comes on its own"


async def test_the_events_of_a_stream_may_come_as_one_list(providers: HttpProviders) -> None:
    items = b"[" + b",".join(event[6:].strip() for event in (HELLO, STOP, USAGE)) + b"]"

    assert ("hé", COUNTED, True) == meaning(events_of(await answered(providers, answering(200, items), chat())))


@pytest.mark.parametrize("headers", [SSE, JSON, {"Content-Type": ""}])
async def test_a_stream_that_is_called_something_else_is_one(providers: HttpProviders, headers: dict[str, str]) -> None:
    assert STREAM == raw_of(await answered(providers, answering(200, STREAM, headers), chat()))


async def test_a_byte_order_mark_before_a_whole_answer_is_not_relayed(providers: HttpProviders) -> None:
    assert WHOLE == raw_of(await answered(providers, answering(200, BOM + WHOLE), chat(stream=False)))


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("packed", "encoding"), [
    (gzip.compress, "gzip"), (gzip.compress, ""), (zlib.compress, "deflate"), (bytes, "gzip"), (bytes, "identity"),
])  # fmt: skip
async def test_what_is_compressed_is_unpacked(
    providers: HttpProviders, packed: Callable[[bytes], bytes], encoding: str, stream: bool
) -> None:
    body = STREAM if stream else WHOLE
    chunks = await answered(
        providers, answering(200, packed(body), {"Content-Encoding": encoding}), chat(stream=stream)
    )

    assert body == raw_of(chunks)


@pytest.mark.parametrize("stream", [True, False])
async def test_what_ends_while_it_is_unpacked_is_truncated(providers: HttpProviders, stream: bool) -> None:
    packed = gzip.compress(HELLO if stream else WHOLE)[:-10]

    assert "truncated" == breach(await answered(providers, answering(200, packed), chat(stream=stream))).kind


@pytest.mark.parametrize("stream", [True, False])
async def test_a_body_that_decompresses_beyond_the_bound_is_malformed(providers: HttpProviders, stream: bool) -> None:
    bomb = gzip.compress(b"data: " + b"0" * 17 * 1024 * 1024)

    assert "malformed" == breach(await answered(providers, answering(200, bomb), chat(stream=stream))).kind


@pytest.mark.parametrize("said", [DONE, b"data: {}\n\n" + DONE, USAGE + DONE, b'data: {"id":"c"}\n\n' + DONE])
async def test_a_stream_without_content_has_failed(providers: HttpProviders, said: bytes) -> None:
    failure = breach(await answered(providers, streaming(said), chat()))

    assert "malformed" == failure.kind
    assert failure.may_be_paid


@pytest.mark.parametrize(("message", "finish", "fails"), [
    (b'{"role":"assistant","content":""}',    b"null",              True),
    (b'{"role":"assistant","content":null}',  b'""',                True),
    (b'{"role":"assistant","content":""}',    b'"stop"',            False),    # an empty answer is one
    (b'{"role":"assistant","content":null}',  b'"content_filter"',  False),
    (b'{"role":"assistant","content":"a"}',   b"null",              False),
])  # fmt: skip
async def test_a_complete_answer_without_content_has_failed(
    providers: HttpProviders, message: bytes, finish: bytes, fails: bool
) -> None:
    body = b'{"id":"c","choices":[{"index":0,"message":%b,"finish_reason":%b}]}' % (message, finish)
    (chunk,) = await answered(providers, answering(200, body), chat(stream=False))

    assert fails == isinstance(chunk.events[-1], Broken)


async def test_a_stream_of_two_requested_choices_needs_both(providers: HttpProviders) -> None:
    assert "truncated" == breach(await answered(providers, streaming(HELLO + STOP), chat(choices=2))).kind


async def test_what_comes_after_the_end_is_ignored(providers: HttpProviders) -> None:
    assert STREAM == raw_of(await answered(providers, streaming(STREAM + b"data: {nonsense\n\n"), chat()))


NULLED = WHOLE.replace(b'"content":"hi"', b'"content":"hi","tool_calls":null')


@pytest.mark.parametrize(("provider", "pass_through", "body"), [
    ("mistral", "repaired", WHOLE),
    ("mistral", "exact",  NULLED),
    ("acme",    "repaired", NULLED),  # nothing is known of it
])  # fmt: skip
async def test_an_answer_of_a_known_vendor_is_repaired_unless_every_byte_is_to_be_kept(
    transport: Http1Transport, provider: str, pass_through: str, body: bytes
) -> None:
    async with StubProvider(answering(200, NULLED)) as stub:
        attempt = attempt_at(stub.base_url)
        target = msgspec.structs.replace(attempt.target, provider=provider)
        chunks = await outcome(
            shell(transport, pass_through=pass_through), msgspec.structs.replace(attempt, target=target), chat(False)
        )

    assert isinstance(chunks, list)
    assert body == raw_of(chunks)


@pytest.mark.parametrize(
    ("body", "kind"), [(b'{"error":{"message":"Out of order"}}', "unavailable"), (b"{}", "malformed")]
)
async def test_json_is_not_audio(transport: Http1Transport, body: bytes, kind: str) -> None:
    speech = msgspec.structs.replace(chat(), dialect="openai-speech", operation="speech")
    async with StubProvider(answering(200, body)) as stub:
        failure = await outcome(shell(transport), attempt_at(stub.base_url), speech)

    assert isinstance(failure, Failure)
    assert kind == failure.kind


@pytest.mark.parametrize("stream", [True, False])
async def test_a_lone_half_in_any_field_costs_nothing(providers: HttpProviders, stream: bool) -> None:
    half = "a HALF"
    call = {"id": half, "function": {"name": half, "arguments": {"x": half}}}
    detail = {"type": "reasoning.text", "text": half, "signature": half, "id": half}
    said = {"content": half, "images": [{"url": half}], "reasoning_details": [detail], "tool_calls": [call]}
    choice = {"delta" if stream else "message": said, "finish_reason": "stop"}
    body = json.dumps({"id": half, "citations": [half], "choices": [choice]}).replace("HALF", "\\ud83d")
    sent = f"data: {body}\n\ndata: [DONE]\n\n" if stream else body
    chunks = await answered(providers, answering(200, sent.encode()), chat(stream=stream))

    assert sent.encode() == raw_of(chunks)
    assert "a \ufffd" == meaning(events_of(chunks))[0]
    for event in events_of(chunks):
        assert msgspec.json.encode(event)
