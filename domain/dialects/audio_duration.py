"""The duration of a recording, by its container's header: WAV, MP3, M4A and MP4, FLAC, Ogg, WebM.

What a provider charges by the second must be bounded before it is sent, and some answers (`text`, `srt`, `vtt`) never
report the duration. Rule: nothing here raises, and no loop depends only on a size that the file claims; a file of
another type has no duration. A header can be wrong. Then the provider's own count is charged up to the hold, and the
rest is recorded as uncollected.
"""

from domain.usage import PIECES_MAX

_MPEG_FRAMES_MAX = 4_096  # After so many frames, the average size of these is used for the rest.
_BITRATES_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_BITRATES_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_MPEG_HERTZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_PCM = (1, 3, 0xFFFE)
_CLUSTER = b"\x1f\x43\xb6\x75"


def seconds_of(audio: bytes) -> int | None:
    """The duration in seconds, rounded up to whole seconds, at least one; None if it is unknown."""
    ms = _milliseconds(audio)
    if ms is None or ms < 0:
        return None
    seconds = max(1, -(-ms // 1000))
    return seconds if seconds <= PIECES_MAX else None


def _milliseconds(audio: bytes) -> int | None:
    if audio[:4] == b"RIFF" and audio[8:12] == b"WAVE":
        return _wave(audio)
    if audio[:4] == b"fLaC":
        return _flac(audio[4:])
    if audio[:4] == b"OggS":
        return _ogg(audio)
    if audio[:4] == b"\x1a\x45\xdf\xa3":
        return _webm(audio)
    if audio[4:8] == b"ftyp":
        return _mp4(audio)
    return _mpeg(audio)


def _ms(units: int, per_second: int) -> int | None:
    return None if per_second <= 0 else -(-units * 1000 // per_second)


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")


def _big(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _wave(audio: bytes) -> int | None:
    """The bytes of audio by the bytes of a second: by the sample size for PCM, else by the header's rate."""
    at, per_second = 12, 0
    while at + 8 <= len(audio):
        name, size = audio[at : at + 4], _little(audio[at + 4 : at + 8])
        head = audio[at + 8 : at + 24]
        if name == b"fmt " and len(head) == 16:
            plain = _little(head[:2]) in _PCM
            per_second = _little(head[4:8]) * _little(head[12:14]) if plain else _little(head[8:12])
        if name == b"data":
            # A recorder that streams does not know the size in advance and writes 0 or all ones.
            left = len(audio) - at - 8
            return _ms(min(size, left) if 0 < size < 0xFFFFFFFF else left, per_second)
        at += 8 + size + (size & 1)
    return None


def _flac(blocks: bytes) -> int | None:
    """The samples in STREAMINFO; 0 means "unknown" (RFC 9639, section 8.2)."""
    packed = _big(blocks[14:22])
    hertz, samples = packed >> 44, packed & (1 << 36) - 1
    return _ms(samples, hertz) if samples and len(blocks) >= 22 else None


def _ogg(audio: bytes) -> int | None:
    """The last page's position, in samples of Opus (always 48,000 a second, RFC 7845), Vorbis or Speex."""
    last = audio.rfind(b"OggS")
    position = _little(audio[last + 6 : last + 14])
    first = audio[27 + audio[26] :][:64] if len(audio) > 27 else b""
    if first[:8] == b"OpusHead":
        hertz = 48_000
    elif first[:7] == b"\x01vorbis":
        hertz = _little(first[12:16])
    elif first[:8] == b"Speex   ":
        hertz = _little(first[36:40])
    else:
        return None
    return _ms(position, hertz) if position < 1 << 63 else None


def _mp4(audio: bytes) -> int | None:
    """The duration in `moov`'s `mvhd`; a fragmented file has 0 there, which means unknown."""
    moov = _box(audio, b"moov")
    header = None if moov is None else _box(moov, b"mvhd")
    if not header:
        return None
    wide = header[0] == 1
    scale = _big(header[20:24] if wide else header[12:16])
    duration = _big(header[24:32] if wide else header[16:20])
    return _ms(duration, scale) if duration else None


def _box(data: bytes, wanted: bytes) -> bytes | None:
    at = 0
    while at + 8 <= len(data):
        size, head = _big(data[at : at + 4]), 8
        if size == 1:
            size, head = _big(data[at + 8 : at + 16]), 16
        if size == 0:
            size = len(data) - at
        if data[at + 4 : at + 8] == wanted:
            return data[at + head : at + size]
        if size < head:
            return None
        at += size
    return None


def _webm(audio: bytes) -> int | None:
    """The start of the last block of the last cluster, in milliseconds: recorders in browsers write no duration."""
    start = audio.rfind(_CLUSTER)
    if start < 0:
        return None
    at = _after_size(audio, start + 4)[0]
    cluster_ms = last_ms = 0
    while at < len(audio):
        mark = audio[at]
        body, size = _after_size(audio, at + 1)
        if mark == 0xE7:
            cluster_ms = last_ms = _big(audio[body : body + min(size, 8)])
        elif mark == 0xA3:
            track = _after_size(audio, body)[0]
            last_ms = cluster_ms + int.from_bytes(audio[track : track + 2], "big", signed=True)
        elif mark != 0xA0:
            break
        at = body + size
    return last_ms + 1


def _after_size(audio: bytes, at: int) -> tuple[int, int]:
    """The offset after an EBML size, and the size."""
    first = audio[at] if at < len(audio) else 0
    length = 9 - first.bit_length()
    return at + length, _big(audio[at : at + length]) & (1 << 7 * length) - 1


def _mpeg(audio: bytes) -> int | None:
    """The frames of an MP3 after its tag, one by one, and then on average."""
    at = 0
    if audio[:3] == b"ID3" and len(audio) >= 10:
        at = 10 + sum((audio[6 + n] & 0x7F) << 7 * (3 - n) for n in range(4))
    begin, samples, frames, hertz = at, 0, 0, 0
    while frames < _MPEG_FRAMES_MAX and (frame := _frame(audio[at : at + 4])) is not None:
        size, each, hertz = frame
        at, samples, frames = at + size, samples + each, frames + 1
    if frames < 2 and not (frames == 1 and at >= len(audio)):
        return None  # A single frame marker may occur anywhere by chance.
    if frames == _MPEG_FRAMES_MAX and at < len(audio):
        samples = -(-samples * (len(audio) - begin) // (at - begin))
    return _ms(samples, hertz)


def _frame(head: bytes) -> tuple[int, int, int] | None:
    """The bytes and samples of an MPEG audio frame of layer III, and the samples of a second."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer, rate, speed = head[1] >> 3 & 3, head[1] >> 1 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version not in _MPEG_HERTZ or layer != 1 or rate in (0, 15) or speed == 3:
        return None
    hertz = _MPEG_HERTZ[version][speed]
    kilobits = (_BITRATES_1 if version == 3 else _BITRATES_2)[rate]
    samples = 1152 if version == 3 else 576
    return samples * kilobits * 125 // hertz + (head[2] >> 1 & 1), samples, hertz
