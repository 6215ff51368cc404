"""Compressed bodies against the request, in the formats that Python decompresses, wherever the reads are cut."""

import gzip
import sys
import zlib
from itertools import pairwise

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.providers.dialect import FramingError
from adapters.providers.framing.decompress import Unpacker, unpacker_of

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BODY = b'{"answer":"' + b"0123456789" * 300 + b'"}'


def bare(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


PACKED = [
    ("gzip", gzip.compress(BODY, mtime=0)),
    ("x-gzip", gzip.compress(BODY[:50], mtime=0) + gzip.compress(BODY[50:], mtime=0)),  # of two members
    ("deflate", zlib.compress(BODY)),
    ("deflate", bare(BODY)),
    ("br", brotli.compress(BODY)),
    ("zstd", zstd.compress(BODY)),
    ("gzip, GZIP", gzip.compress(gzip.compress(BODY, mtime=0), mtime=0)),
    ("identity, br", brotli.compress(BODY)),
    ("gzip", BODY),  # called so, and not so
]
PLAIN = ("deflate", "br", "zstd", "utf-8", "none", "aws-chunked", "snappy")


@given(st.sampled_from(PACKED), st.lists(st.integers(0, 4_000), max_size=5))
def test_a_body_is_unpacked_however_it_was_cut(packed: tuple[str, bytes], cuts: list[int]) -> None:
    encoding, data = packed
    ends = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    unpacker = Unpacker(encoding)

    assert BODY == b"".join(unpacker.feed(data[start:end]) for start, end in pairwise(ends))
    assert unpacker.is_complete


@pytest.mark.parametrize(("encoding", "data"), PACKED[:-1])
def test_a_body_that_was_cut_is_not_whole(encoding: str, data: bytes) -> None:
    unpacker = Unpacker(encoding)
    unpacker.feed(data[:-9])

    assert not unpacker.is_complete


def test_a_body_is_unpacked_within_its_bound() -> None:
    content = b"0" * 1_000_001
    for encoding, bomb in (
        ("gzip", gzip.compress(content)),
        ("br", brotli.compress(content)),
        ("zstd", zstd.compress(content)),
        ("gzip, br", brotli.compress(gzip.compress(content))),
    ):
        assert 1_000_001 == len(Unpacker(encoding, 1_100_000).feed(bomb))
        with pytest.raises(FramingError, match="more than"):
            Unpacker(encoding, 900_000).feed(bomb)


@pytest.mark.parametrize("encoding", PLAIN)
@pytest.mark.parametrize("body", [BODY, b"\xef\xbb\xbf\n" + BODY, b"data: {}\n\n", b": comment\n\n", b"[1, 2]"])
def test_a_text_that_is_only_called_compressed_is_used_as_it_is(encoding: str, body: bytes) -> None:
    unpacker = Unpacker(encoding)

    assert body + b"tail" == unpacker.feed(body) + unpacker.feed(b"tail")
    assert unpacker.is_complete


@pytest.mark.parametrize("encoding", ["", "identity", " Identity ", "identity, identity"])
def test_nothing_is_unpacked_without_an_encoding(encoding: str) -> None:
    assert unpacker_of(encoding) is None


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("gzip", b"\x1f\x8b nonsense"),
        ("deflate", b"\x78nonsense"),
        ("br", b"nonsense"),
        ("zstd", b"nonsense"),
        ("snappy", b"\xff\x06"),
    ],
)
def test_damaged_data_cannot_be_decompressed(encoding: str, data: bytes) -> None:
    with pytest.raises(FramingError):
        Unpacker(encoding).feed(data)
