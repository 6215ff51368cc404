"""The smallest possible video of one colour: H.264 frames of a single block with uncompressed samples.

H.264 is https://www.itu.int/rec/T-REC-H.264, sections 7.3 (syntax) and 9.1 (Exp-Golomb codes); MP4 is ISO/IEC 14496-12
and 14496-15. Players show it like any other video.
"""

_TIMESCALE = 1_000
_SIDE = 16
_UNITY = b"".join(n.to_bytes(4, "big") for n in (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000))


def mp4(seconds: int, colour: bytes) -> bytes:
    """Return so many seconds of a colour, given as luma and two chromas: one independent frame a second."""
    frame = _frame(colour)
    unit = len(frame).to_bytes(4, "big") + frame
    kind = _box(b"ftyp", b"isom", _u32(512), b"isomavc1mp41")
    # The header's length does not depend on the offsets of the frames in it.
    start = len(kind) + len(_movie(seconds, len(unit), 0)) + 8
    return kind + _movie(seconds, len(unit), start) + _box(b"mdat", unit * seconds)


def _frame(colour: bytes) -> bytes:
    """Return an IDR slice of one macroblock, I_PCM: 256 samples of luma and 64 of each chroma."""
    slice_head = _golomb(0) + _golomb(7) + _golomb(0) + "0000" + _golomb(0) + "00" + _golomb(0)
    luma, *chromas = (16 + sample % 220 for sample in colour)
    samples = bytes([luma]) * _SIDE**2 + b"".join(bytes([chroma]) * (_SIDE // 2) ** 2 for chroma in chromas)
    return _unit(0x65, _bytes(slice_head + _golomb(25)) + samples + b"\x80")


def _parameters() -> tuple[bytes, bytes]:
    """Return the parameter sets of the sequence (baseline, 16 by 16) and the picture."""
    sequence = "".join(map(_golomb, (0, 0, 2, 0))) + "0" + _golomb(0) + _golomb(0) + "1" + "1" + "0" + "0"
    image = _golomb(0) + _golomb(0) + "00" + "".join(map(_golomb, (0, 0, 0))) + "000" + "111" + "000"
    return _unit(0x67, b"\x42\xc0\x0a" + _bytes(sequence + "1")), _unit(0x68, _bytes(image + "1"))


def _movie(seconds: int, size: int, start: int) -> bytes:
    length = _u32(seconds * _TIMESCALE)
    speed = _u32(0x10000) + b"\1\0" + bytes(10)
    head = _full(b"mvhd", bytes(8), _u32(_TIMESCALE), length, speed, _UNITY, bytes(24), _u32(2))
    sides = _u32(_SIDE << 16) * 2
    place = _full(b"tkhd", bytes(8), _u32(1), bytes(4), length, bytes(16), _UNITY, sides, flags=3)
    media_head = _full(b"mdhd", bytes(8), _u32(_TIMESCALE), length, b"\x55\xc4\0\0")
    handler = _full(b"hdlr", bytes(4), b"vide", bytes(12), b"echo\0")
    where = _box(b"dinf", _full(b"dref", _u32(1), _full(b"url ", flags=1)))
    sequence, image = _parameters()
    sets = b"\xff\xe1" + _u16(len(sequence)) + sequence + b"\1" + _u16(len(image)) + image
    config = _box(b"avcC", b"\1", sequence[1:4], sets)
    look = bytes(16) + _u16(_SIDE) * 2 + _u32(0x480000) * 2 + bytes(4) + _u16(1) + bytes(32) + b"\0\x18\xff\xff"
    samples = _box(
        b"stbl",
        _full(b"stsd", _u32(1), _box(b"avc1", bytes(6), _u16(1), look, config)),
        _full(b"stts", _u32(1), _u32(seconds), _u32(_TIMESCALE)),
        _full(b"stsc", _u32(1), _u32(1), _u32(seconds), _u32(1)),
        _full(b"stsz", _u32(size), _u32(seconds)),
        _full(b"stco", _u32(1), _u32(start)),
    )
    information = _box(b"minf", _full(b"vmhd", bytes(8), flags=1), where, samples)
    return _box(b"moov", head, _box(b"trak", place, _box(b"mdia", media_head, handler, information)))


def _box(name: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return _u32(8 + len(content)) + name + content


def _full(name: bytes, *parts: bytes, flags: int = 0) -> bytes:
    return _box(name, _u32(flags), *parts)


def _unit(head: int, payload: bytes) -> bytes:
    """Return a NAL unit, in which no two zeros precede a byte below four."""
    kept = bytearray([head])
    for byte in payload:
        if byte <= 3 and kept[-2:] == b"\0\0":
            kept.append(3)
        kept.append(byte)
    return bytes(kept)


def _golomb(number: int) -> str:
    """Return a number as an Exp-Golomb code: 7 is 0001000."""
    bits = f"{number + 1:b}"
    return "0" * (len(bits) - 1) + bits


def _bytes(bits: str) -> bytes:
    """Return bits as bytes, the last one padded with zeros."""
    full = bits.ljust(-(-len(bits) // 8) * 8, "0")
    return int(full, 2).to_bytes(len(full) // 8, "big")


def _u16(number: int) -> bytes:
    return number.to_bytes(2, "big")


def _u32(number: int) -> bytes:
    return number.to_bytes(4, "big")
