"""Framing of lines of JSON: examples of every form, then the law that no cut may break."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.providers.dialect import FramingError, ServerEvent
from adapters.providers.framing.ndjson import LineFramer


def framed(*reads: bytes) -> list[ServerEvent]:
    framer = LineFramer()
    events = [event for read in reads for event in framer.feed(read)]
    return events + framer.finish()


@pytest.mark.parametrize(
    ("stream", "data"),
    [
        (b'{"n":1}\n{"n":2}\n', [b'{"n":1}', b'{"n":2}']),
        (b'{"n":1}\r\n{"n":2}\r\n', [b'{"n":1}', b'{"n":2}']),
        (b'{"n":1}\n\n{"n":2}\n', [b'{"n":1}', b"", b'{"n":2}']),
        (b'{"n":1}\n{"n":2}', [b'{"n":1}', b'{"n":2}']),
        (b'{"n":1}\n{"n":', [b'{"n":1}']),
        (b"", []),
    ],
)
def test_a_line_is_an_event_and_a_cut_line_is_none(stream: bytes, data: list[bytes]) -> None:
    assert data == [event.data for event in framed(stream)]


@given(st.lists(st.sampled_from([b'{"t":"\xc3\xa9"}\n', b"\n", b'{"a":[1, 2]}\r\n']), max_size=6), st.data())
def test_where_the_reads_are_cut_changes_nothing(lines: list[bytes], draw: st.DataObject) -> None:
    stream = b"".join(lines)
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    reads = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]

    assert framed(stream) == framed(*reads)
    assert stream == b"".join(event.raw for event in framed(*reads))


def test_a_line_without_end_is_refused_before_it_fills_the_memory() -> None:
    framer = LineFramer(bytes_max=10)
    framer.feed(b'{"n":')

    with pytest.raises(FramingError, match="10 bytes"):
        framer.feed(b'"12345678901')
