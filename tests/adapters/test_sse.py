"""Framing of server-sent events: examples of every form, then the laws that no cut may break."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.providers.dialect import ServerEvent
from adapters.providers.framing.sse import EventFramer, EventTooLarge


def framed(*reads: bytes) -> list[ServerEvent]:
    framer = EventFramer()
    events = [event for read in reads for event in framer.feed(read)]
    return events + framer.finish()


def meant(*reads: bytes) -> list[tuple[str, bytes]]:
    return [(event.name, event.data) for event in framed(*reads)]


# --- examples -------------------------------------------------------------------------------------------


def test_one_read_of_one_event_is_that_event() -> None:
    raw = b'data: {"n": 1}\n\n'

    assert [ServerEvent("", b'{"n": 1}', raw)] == framed(raw)


def test_an_event_has_the_name_it_was_given() -> None:
    raw = b"event: message_stop\ndata: {}\n\n"

    assert [ServerEvent("message_stop", b"{}", raw)] == framed(raw)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"data: a\n\n", ("", b"a")),
        (b"data:a\n\n", ("", b"a")),
        (b"data:  a\n\n", ("", b" a")),
        (b"data: a\ndata: b\n\n", ("", b"a\nb")),
        (b"data:\ndata:\n\n", ("", b"\n")),
        (b"data\n\n", ("", b"")),
        (b"data: a: b\n\n", ("", b"a: b")),
        (b"data: a\nevent: x\n\n", ("x", b"a")),
        (b"event:x\ndata: a\n\n", ("x", b"a")),
        (b"event: x\nevent: y\ndata: a\n\n", ("y", b"a")),
        (b"event: x\nevent\ndata: a\n\n", ("", b"a")),
        (b"id: 7\nretry: 100\ndata: a\n\n", ("", b"a")),
        (b"unknown: 7\ndatax: b\ndata: a\n\n", ("", b"a")),
        (b": comment\ndata: a\n\n", ("", b"a")),
        (b": comment\n\n", ("", b"")),
        (b"\n\n", ("", b"")),
        (b"\ndata: a\n\n", ("", b"a")),
        (b"\xef\xbb\xbfdata: a\n\n", ("", b"a")),
        (b"\xef\xbb\xbfevent: x\ndata: a\n\n", ("x", b"a")),
        (b"event: \xff\ndata: a\n\n", ("\ufffd", b"a")),
        (b"data: \xc3\xa9\n\n", ("", b"\xc3\xa9")),
    ],
)
def test_each_form_of_an_event_is_read(text: bytes, expected: tuple[str, bytes]) -> None:
    assert [expected] == meant(text)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_line_end_gives_the_same_events(end: bytes) -> None:
    text = b": hello\nevent: x\ndata: a\ndata: b\n\ndata: c\n\n".replace(b"\n", end)

    assert [("x", b"a\nb"), ("", b"c")] == meant(text)


def test_a_byte_order_mark_counts_only_at_the_start() -> None:
    assert [("", b"a"), ("", b"")] == meant(b"data: a\n\n", b"\xef\xbb\xbfdata: b\n\n")


def test_a_cut_between_cr_and_lf_makes_no_event_of_its_own() -> None:
    framer = EventFramer()

    assert [] == framer.feed(b"data: a\r\n\r")
    assert [ServerEvent("", b"a", b"data: a\r\n\r\n")] == framer.feed(b"\n")
    assert b"" == framer.rest


def test_a_stream_of_cr_alone_is_not_delayed() -> None:
    framer = EventFramer()

    assert [ServerEvent("", b"a", b"data: a\r\r")] == framer.feed(b"data: a\r\r")


def test_an_event_that_waits_only_for_its_last_lf_is_whole_at_the_end() -> None:
    assert [("", b"a")] == meant(b"data: a\r\n\r")


@pytest.mark.parametrize("rest", [b"data: b", b"data: b\n", b"data: b\r\n", b"event: x\ndata: b\n"])
def test_what_is_not_whole_is_no_event_but_is_kept_as_rest(rest: bytes) -> None:
    framer = EventFramer()

    assert [ServerEvent("", b"a", b"data: a\n\n")] == framer.feed(b"data: a\n\n" + rest)
    assert [] == framer.finish()
    assert rest == framer.rest


def test_an_event_up_to_the_bound_is_let_through() -> None:
    assert 1 == len(EventFramer(bytes_max=20).feed(b"data: " + b"x" * 12 + b"\n\n"))


@pytest.mark.parametrize(
    "reads",
    [
        [b"data: " + b"x" * 13 + b"\n\n"],
        [b"data: " + b"x" * 15],
        [b"data: ", b"x" * 8, b"x" * 7],
        [b"data: a\n\ndata: " + b"x" * 13 + b"\n\ndata: b\n\n"],
    ],
)
def test_an_event_over_the_bound_is_an_error_that_names_the_bound(reads: list[bytes]) -> None:
    framer = EventFramer(bytes_max=20)

    with pytest.raises(EventTooLarge, match="larger than 20 bytes"):
        [framer.feed(read) for read in reads]


# --- laws -----------------------------------------------------------------------------------------------

ends = st.sampled_from([b"\n", b"\r\n", b"\r"])
texts = st.binary(max_size=8).filter(lambda text: not {10, 13} & set(text))
lines = st.one_of(
    texts.map(lambda text: b"data: " + text),
    texts.map(lambda text: b"data:" + text),
    texts.map(lambda text: b"event: " + text),
    texts.map(lambda text: b":" + text),
    st.sampled_from([b"data", b"event", b"id: 1", b"retry: 2"]),
)
events = st.lists(lines, min_size=1, max_size=4)
# Not only well-formed streams: any run of the bytes that framing turns on.
noise = st.lists(
    st.sampled_from([b"\n", b"\r", b"\r\n", b"data: ", b"data", b"event: ", b":", b"x", b"\xef\xbb\xbf"]), max_size=20
).map(b"".join)


@st.composite
def cut(draw: st.DrawFn, stream: bytes) -> list[bytes]:
    places = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    return [stream[a:b] for a, b in zip([0, *places], [*places, len(stream)], strict=True)]


@given(st.data(), st.lists(events, max_size=4), ends)
def test_no_cut_and_no_line_end_changes_what_is_meant(data: st.DataObject, said: list[list[bytes]], end: bytes) -> None:
    plain = b"".join(b"\n".join(event) + b"\n\n" for event in said)
    stream = b"".join(end.join(event) + end + end for event in said)

    assert meant(plain) == meant(*data.draw(cut(stream)))
    assert len(said) == len(meant(plain))


@given(st.data(), noise)
def test_no_cut_changes_an_event_or_its_raw(data: st.DataObject, stream: bytes) -> None:
    """(G20)"""
    assert framed(stream) == framed(*data.draw(cut(stream)))


@given(noise)
def test_a_byte_at_a_time_is_as_good_as_all_at_once(stream: bytes) -> None:
    assert framed(stream) == framed(*(stream[at : at + 1] for at in range(len(stream))))


@given(st.data(), noise)
def test_the_raws_and_the_rest_are_the_input(data: st.DataObject, stream: bytes) -> None:
    framer = EventFramer()
    events = [event for read in data.draw(cut(stream)) for event in framer.feed(read)]

    assert stream == b"".join(event.raw for event in events) + framer.rest
