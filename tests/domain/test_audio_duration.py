"""How long a recording lasts, by its container; whatever else comes has no length and does no harm."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.dialects.audio_duration import seconds_of
from tests.behaviour.multipart_forms import wave


def box(name: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + name + content


def mp4(scale: int, duration: int, wide: bool = False) -> bytes:
    width = 8 if wide else 4
    times = bytes(2 * width) + scale.to_bytes(4, "big") + duration.to_bytes(width, "big")
    header = box(b"mvhd", bytes([wide, 0, 0, 0]) + times + bytes(80))
    return box(b"ftyp", b"M4A \0\0\0\0") + box(b"mdat", bytes(100)) + box(b"moov", box(b"free", b"x") + header)


def flac(hertz: int, samples: int) -> bytes:
    packed = (hertz << 44 | 1 << 41 | 15 << 36 | samples).to_bytes(8, "big")
    return b"fLaC\x80\0\0\x22" + bytes(10) + packed + bytes(16)


def ogg(first: bytes, position: int) -> bytes:
    def page(at: int, packet: bytes) -> bytes:
        return b"OggS\0\x02" + at.to_bytes(8, "little") + bytes(12) + bytes([1, len(packet)]) + packet

    return page(0, first) + page(position, b"audio")


def mp3(frames: int, tag: bytes = b"") -> bytes:
    """Frames of 128 kbit/s at 44,100 Hz: 417 bytes and 1,152 samples each."""
    return tag + (b"\xff\xfb\x90\x00" + bytes(413)) * frames


def webm(*clusters: tuple[int, int]) -> bytes:
    """Clusters of unknown size with the time that they begin at and the last block's after that."""
    made = b"\x1a\x45\xdf\xa3\x84webm\x18\x53\x80\x67\x01" + b"\xff" * 7
    for begin, last in clusters:
        made += b"\x1f\x43\xb6\x75\x01" + b"\xff" * 7 + b"\xe7\x82" + begin.to_bytes(2, "big")
        made += b"\xa3\x85\x81" + last.to_bytes(2, "big") + b"\x80s"
    return made


ID3 = b"ID3\x04\0\0\0\0\x01\x00" + b"\xff\xfb" * 64


@pytest.mark.parametrize(("audio", "seconds"), [
    (wave(2_500),                                                3),
    (wave(1_000),                                                1),
    (wave(1),                                                    1),
    (wave(60_000, hertz=16_000),                                60),
    (wave(2_500)[:40] + b"\xff\xff\xff\xff" + wave(2_500)[44:],  3),     # a recorder that streamed
    (wave(2_500)[:28] + b"\xff\xff\xff\x00" + wave(2_500)[32:],  3),     # a lie about the bytes of a second
    (flac(44_100, 441_001),                                     11),
    (ogg(b"OpusHead" + bytes(11), 480_001),                     11),
    (ogg(b"\x01vorbis" + bytes(5) + (22_050).to_bytes(4, "little"), 22_050), 1),
    (mp4(1_000, 61_500),                                        62),
    (mp4(48_000, 480_000, wide=True),                           10),
    (mp3(77),                                                    3),     # 77 times 1,152 / 44,100 = 2.01
    (mp3(77, ID3),                                               3),
    (mp3(1),                                                     1),
    (mp3(8_000),                                               209),     # 208.98, the second half by the average
    (webm((0, 900), (5_000, 1_200)),                             7),
])  # fmt: skip
def test_a_recording_reports_its_duration(audio: bytes, seconds: int) -> None:
    assert seconds == seconds_of(audio)


@pytest.mark.parametrize("audio", [
    b"", b"text", b"RIFF\0\0\0\0WAVE", wave(9)[:30], b"fLaC", flac(44_100, 0), flac(0, 5), b"OggS", ogg(b"Theora", 5), mp4(0, 5),
    mp4(1_000, 0), box(b"ftyp", b""), b"\x1a\x45\xdf\xa3", b"\xff\xfb\x90\x00" + b"text" * 200, b"ID3", b"\x89PNG\r\n\x1a\n" + bytes(99),
    mp4(1, 2**31), ogg(b"OpusHead" + bytes(11), 2**64 - 1),
])  # fmt: skip
def test_what_reports_no_length_has_none(audio: bytes) -> None:
    assert seconds_of(audio) is None


STARTS = st.sampled_from(
    [wave(50), flac(8_000, 9), ogg(b"OpusHead" + bytes(9), 9), mp4(9, 9), mp3(3), webm((0, 1)), ID3, b""]
)


@given(STARTS, st.binary(max_size=200), st.integers(0, 200), st.integers(0, 400))
def test_whatever_comes_does_no_harm(start: bytes, noise: bytes, at: int, end: int) -> None:
    audio = (start[:at] + noise + start[at:])[:end]

    seconds = seconds_of(audio)

    assert seconds is None or seconds >= 1


@given(st.integers(1, 60_000), st.sampled_from([8_000, 16_000]))
def test_a_begun_second_is_counted_whole(ms: int, hertz: int) -> None:
    assert -(-ms // 1000) == seconds_of(wave(ms, hertz))
