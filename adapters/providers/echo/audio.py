"""The echo's audio: speech is silence, a tenth of a second per word; a transcription states the recording's length.

Speech is WAV, whatever format is requested, in chunks of one word, or as events if `stream_format` is "sse". A
transcription is in any of OpenAI's formats.
"""

import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from adapters.providers.echo.shared import EchoAnswer, Misfit, as_events, as_json, event, word_count
from domain.dialects.audio_duration import seconds_of

_HERTZ = 8_000
_SILENCE = b"\x80" * (_HERTZ // 10)  # 8 bits per sample, of which 128 is silence.


class _Speech(msgspec.Struct, frozen=True):
    model: str
    input: Annotated[str, msgspec.Meta(min_length=1)]
    voice: str | dict[str, str] = "alloy"
    stream_format: Literal["sse", "audio"] = "audio"


_SPEECH = msgspec.json.Decoder(_Speech)
_FIELD = re.compile(rb'form-data; ?name="([^"]*)"(; ?filename="[^"]*")?[^\r\n]*(?:\r\n[^\r\n]+)*\r\n\r\n')


def speech(body: bytes, content_type: str) -> EchoAnswer:
    """Return as many chunks of silence as there are words."""
    request = _SPEECH.decode(body)
    count = max(1, word_count(request.input))
    chunks = (_header(count * len(_SILENCE)), *[_SILENCE] * count)
    if request.stream_format == "sse":
        return as_events(_events(request, chunks, count))
    return EchoAnswer(200, "audio/wav", iter(chunks))


def _events(request: _Speech, chunks: tuple[bytes, ...], count: int) -> Iterator[bytes]:
    for chunk in chunks:
        yield event({"type": "speech.audio.delta", "audio": b64encode(chunk).decode()})
    tokens = word_count(request.input)
    usage = {"input_tokens": tokens, "output_tokens": count, "total_tokens": tokens + count}
    yield event({"type": "speech.audio.done", "usage": usage})


def _header(size: int) -> bytes:
    """Return the header of a WAV file: one channel of PCM samples."""
    numbers = (16, 4), (1, 2), (1, 2), (_HERTZ, 4), (_HERTZ, 4), (1, 2), (8, 2)
    form = b"".join(number.to_bytes(width, "little") for number, width in numbers)
    return b"RIFF%bWAVEfmt %bdata%b" % ((36 + size).to_bytes(4, "little"), form, size.to_bytes(4, "little"))


def transcription(body: bytes, content_type: str) -> EchoAnswer:
    """Return the transcription in the requested format."""
    fields = _fields(body, content_type)
    seconds = seconds_of(fields.get("file", b""))
    if seconds is None:
        raise Misfit("file: this is no recording")
    text = f"{seconds} second{'' if seconds == 1 else 's'} of sound"
    selected = fields.get("response_format", b"json").decode()
    if fields.get("stream", b"").lower() in (b"true", b"1"):
        return as_events(_text_deltas(text, seconds))
    if selected == "text":
        return EchoAnswer(200, "text/plain; charset=utf-8", f"{text}\n".encode())
    if selected in ("srt", "vtt"):
        head, point = ("WEBVTT\n\n", ".") if selected == "vtt" else ("1\n", ",")
        end = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        subtitle = f"{head}00:00:00{point}000 --> {end}{point}000\n{text}\n\n"
        return EchoAnswer(200, "text/plain; charset=utf-8", subtitle.encode())
    usage = {"type": "duration", "seconds": seconds}
    if selected == "verbose_json":
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


def _text_deltas(text: str, seconds: int) -> Iterator[bytes]:
    for word in re.findall(r"\S+\s*", text):
        yield event({"type": "transcript.text.delta", "delta": word})
    yield event({"type": "transcript.text.done", "text": text, "usage": {"type": "duration", "seconds": seconds}})


def _fields(body: bytes, content_type: str) -> dict[str, bytes]:
    """Return the parts of a form by their names; the hub has validated it before."""
    mark = b"--" + content_type.partition("boundary=")[2].strip('"').encode()
    found: dict[str, bytes] = {}
    for part in body.split(b"\r\n" + mark):
        if named := _FIELD.search(part):
            found[named[1].decode("utf-8", "replace")] = part[named.end() :]
    return found
