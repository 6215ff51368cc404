"""Compressed bodies against the request, in the formats that Python decompresses, wherever the reads are cut."""

import gzip
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.providers.dialect import FramingError
from adapters.providers.framing.decompress import Unpacker

BODY = b'{"answer":"' + b"0123456789" * 300 + b'"}'


def bare(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


PACKED = [
    ("gzip", gzip.compress(BODY, mtime=0)),
    ("x-gzip", gzip.compress(BODY[:50], mtime=0) + gzip.compress(BODY[50:], mtime=0)),  # of two members
    ("deflate", zlib.compress(BODY)),
    ("deflate", bare(BODY)),
    ("gzip", BODY),  # called so, and not so
]


@given(st.sampled_from(PACKED), st.lists(st.integers(0, 4_000), max_size=5))
def test_a_body_is_unpacked_however_it_was_cut(packed: tuple[str, bytes], cuts: list[int]) -> None:
    encoding, data = packed
    ends = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    unpacker = Unpacker(encoding)

    assert BODY == b"".join(unpacker.feed(data[start:end]) for start, end in pairwise(ends))
    assert unpacker.is_complete


@pytest.mark.parametrize(("encoding", "data"), PACKED[:4])
def test_a_body_that_was_cut_is_not_whole(encoding: str, data: bytes) -> None:
    unpacker = Unpacker(encoding)
    unpacker.feed(data[:-9])

    assert not unpacker.is_complete


def test_a_body_is_unpacked_within_its_bound() -> None:
    bomb = gzip.compress(b"0" * 1_000_001)

    assert 1_000_001 == len(Unpacker("gzip", 1_000_001).feed(bomb))
    with pytest.raises(FramingError):
        Unpacker("gzip", 1_000_000).feed(bomb)


@pytest.mark.parametrize(("encoding", "data"), [("gzip", b"\x1f\x8b nonsense"), ("deflate", b"\x78nonsense")])
def test_damaged_data_cannot_be_decompressed(encoding: str, data: bytes) -> None:
    with pytest.raises(FramingError):
        Unpacker(encoding).feed(data)
