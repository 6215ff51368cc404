"""AWS's event stream out of bytes: however it is cut, the same events; whatever is damaged, said as such."""

import json
import struct
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.providers.bedrock.framing import EXCEPTION, MALFORMED, EventStreamFramer
from adapters.providers.dialect import ServerEvent
from tests.support.eventstream import event, exception, message

_STREAM = (
    event("messageStart", role="assistant")
    + event("contentBlockDelta", contentBlockIndex=0, delta={"text": "Grüße 🦉"})
    + event("messageStop", stopReason="end_turn")
)


def framed(*pieces: bytes) -> list[ServerEvent]:
    framer = EventStreamFramer()
    return [event for piece in pieces for event in framer.feed(piece)] + framer.finish()


def test_a_message_is_an_event_with_its_name_and_its_payload() -> None:
    assert framed(message({":event-type": "messageStop", ":message-type": "event"}, b'{"stopReason":"end_turn"}')) == [
        ServerEvent("messageStop", b'{"stopReason":"end_turn"}', b"")
    ]


def test_an_event_without_a_payload_is_no_comment() -> None:
    assert framed(message({":event-type": "x"}, b"")) == [ServerEvent("x", b"{}", b"")]


def test_an_exception_and_an_error_are_distinguished_from_events() -> None:
    error = {":message-type": "error", ":error-code": "InternalFailure", ":error-message": 'it "broke"'}

    thrown, failed = framed(exception("throttlingException", "Slow down") + message(error, b""))

    assert (f"{EXCEPTION}throttlingException", {"message": "Slow down"}) == (thrown.name, json.loads(thrown.data))
    assert (f"{EXCEPTION}InternalFailure", {"message": 'it "broke"'}) == (failed.name, json.loads(failed.data))


def test_an_exception_may_be_empty() -> None:
    silent = message({":message-type": "exception", ":exception-type": "throttlingException"}, b"")

    assert framed(silent) == [ServerEvent(f"{EXCEPTION}throttlingException", b"{}", b"")]


def test_where_the_reads_were_cut_changes_nothing() -> None:
    whole = framed(_STREAM)

    assert 3 == len(whole)
    assert all(whole == framed(_STREAM[:at], _STREAM[at:]) for at in range(len(_STREAM)))
    assert whole == framed(*(_STREAM[at : at + 1] for at in range(len(_STREAM))))


@given(st.integers(0, len(_STREAM) - 1), st.integers(1, 255), st.integers(1, 50))
@example(at=0, change=128, size=1)
def test_a_damaged_byte_is_found_and_what_came_before_it_stands(at: int, change: int, size: int) -> None:
    damaged = bytearray(_STREAM)
    damaged[at] ^= change
    pieces = [bytes(damaged[n : n + size]) for n in range(0, len(damaged), size)]

    events = framed(*pieces)

    assert events == framed(bytes(damaged))
    audio = framed(_STREAM)
    good = [event for event in events if event.name != MALFORMED]
    assert good == audio[: len(good)]
    assert len(good) < len(audio)
    assert [MALFORMED] == [event.name for event in events[len(good) :]]


@pytest.mark.parametrize(
    ("headers", "total"),
    [(0, 0), (0, 12), (0, 15), (100, 20), (200_000, 300_000), (0, 30 * 1024 * 1024)],
)
def test_lengths_that_cannot_be_are_refused_before_anything_is_kept(headers: int, total: int) -> None:
    prelude = struct.pack(">II", total, headers)
    prelude += struct.pack(">I", zlib.crc32(prelude))
    rest = b"\0" * 64

    assert [MALFORMED] == [event.name for event in framed(prelude + rest)][:1]


def test_a_header_of_no_known_type_is_damage() -> None:
    whole = bytearray(message({"a": "b"}, b"{}"))
    whole[14] = 99  # the type of the header's value
    whole[-4:] = struct.pack(">I", zlib.crc32(bytes(whole[:-4])))

    assert [MALFORMED] == [event.name for event in framed(bytes(whole))]


def test_a_cut_message_is_no_event() -> None:
    assert framed(_STREAM[:-1]) == framed(_STREAM)[:-1]


@given(st.lists(st.binary(max_size=40), max_size=10))
def test_no_bytes_make_it_raise(pieces: list[bytes]) -> None:
    assert {event.name for event in framed(*pieces)} <= {MALFORMED}
