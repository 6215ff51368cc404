"""The echo's sound: it speaks a silence, a tenth of a second a word, and hears how long a recording is.

Speech is WAV, whatever format is asked for, in pieces of a word, or as events where `stream_format` is "sse". A
transcription says how much sound there was, in any of OpenAI's formats.
"""

import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from adapters.providers.echo.shared import EchoAnswer, Misfit, as_events, as_json, event, word_count
from domain.dialects.audio_duration import seconds_of

_HERTZ = 8_000
_WORD = b"\x80" * (_HERTZ // 10)  # 8 bits a sample, of which 128 is silence.


class _Speech(msgspec.Struct, frozen=True):
    model: str
    input: Annotated[str, msgspec.Meta(min_length=1)]
    voice: str | dict[str, str] = "alloy"
    stream_format: Literal["sse", "audio"] = "audio"


_SPEECH = msgspec.json.Decoder(_Speech)
_FIELD = re.compile(rb'form-data; ?name="([^"]*)"(; ?filename="[^"]*")?[^\r\n]*(?:\r\n[^\r\n]+)*\r\n\r\n')


def speech(body: bytes, content_type: str) -> EchoAnswer:
    """As many silences as there are words."""
    asked = _SPEECH.decode(body)
    words = max(1, word_count(asked.input))
    pieces = (_header(words * len(_WORD)), *[_WORD] * words)
    if asked.stream_format == "sse":
        return as_events(_events(asked, pieces, words))
    return EchoAnswer(200, "audio/wav", iter(pieces))


def _events(asked: _Speech, pieces: tuple[bytes, ...], words: int) -> Iterator[bytes]:
    for piece in pieces:
        yield event({"type": "speech.audio.delta", "audio": b64encode(piece).decode()})
    tokens = word_count(asked.input)
    usage = {"input_tokens": tokens, "output_tokens": words, "total_tokens": tokens + words}
    yield event({"type": "speech.audio.done", "usage": usage})


def _header(size: int) -> bytes:
    """A WAV file's head: one channel of plain samples."""
    numbers = (16, 4), (1, 2), (1, 2), (_HERTZ, 4), (_HERTZ, 4), (1, 2), (8, 2)
    form = b"".join(number.to_bytes(width, "little") for number, width in numbers)
    return b"RIFF%bWAVEfmt %bdata%b" % ((36 + size).to_bytes(4, "little"), form, size.to_bytes(4, "little"))


def transcription(body: bytes, content_type: str) -> EchoAnswer:
    """What was heard, in the format that was asked for."""
    fields = _fields(body, content_type)
    seconds = seconds_of(fields.get("file", b""))
    if seconds is None:
        raise Misfit("file: this is no recording")
    text = f"{seconds} second{'' if seconds == 1 else 's'} of sound"
    wanted = fields.get("response_format", b"json").decode()
    if fields.get("stream", b"").lower() in (b"true", b"1"):
        return as_events(_said(text, seconds))
    if wanted == "text":
        return EchoAnswer(200, "text/plain; charset=utf-8", f"{text}\n".encode())
    if wanted in ("srt", "vtt"):
        head, point = ("WEBVTT\n\n", ".") if wanted == "vtt" else ("1\n", ",")
        end = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        subtitle = f"{head}00:00:00{point}000 --> {end}{point}000\n{text}\n\n"
        return EchoAnswer(200, "text/plain; charset=utf-8", subtitle.encode())
    usage = {"type": "duration", "seconds": seconds}
    if wanted == "verbose_json":
        return as_json(
            {
                "task": "transcribe",
                "language": "english",
                "duration": seconds,
                "text": text,
                "segments": [],
                "usage": usage,
            }
        )
    return as_json({"text": text, "usage": usage})


def _said(text: str, seconds: int) -> Iterator[bytes]:
    for word in re.findall(r"\S+\s*", text):
        yield event({"type": "transcript.text.delta", "delta": word})
    yield event({"type": "transcript.text.done", "text": text, "usage": {"type": "duration", "seconds": seconds}})


def _fields(body: bytes, content_type: str) -> dict[str, bytes]:
    """The parts of a form by their names; the hub has read it strictly before."""
    mark = b"--" + content_type.partition("boundary=")[2].strip('"').encode()
    found: dict[str, bytes] = {}
    for part in body.split(b"\r\n" + mark):
        if named := _FIELD.search(part):
            found[named[1].decode("utf-8", "replace")] = part[named.end() :]
    return found
