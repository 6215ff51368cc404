"""OpenAI's audio endpoints on the provider's side: speech and transcriptions pass through and are metered.

https://developers.openai.com/api/reference/resources/audio reports tokens for event streams and for newer models, and
seconds for `whisper-1`. It reports nothing for a plain file; then the request is counted (`ModelCall.pieces`).
"""

from math import ceil
from typing import Annotated, Any

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS, Count
from adapters.providers.dialect import ProviderDialect, ServerEvent, never
from adapters.providers.framing.raw import END, RawFramer
from adapters.providers.framing.sse import EventFramer
from adapters.providers.lenient_json import Lenient
from adapters.providers.openai import headers
from adapters.providers.openai.failure import malformed, reported_error
from adapters.providers.openai.operations import failing_as, passing, read, with_model
from adapters.providers.usage_counts import UNREPORTED, Reader, is_reported, usage_of
from domain.model_api.events import AudioDelta, Broken, Ended, Event, TextDelta, UsageReported
from domain.usage import PIECES_MAX

SPEECH, SPEECH_EVENTS = "openai-speech", "openai-speech-events"
TRANSCRIPTIONS, TRANSCRIPTIONS_TEXT, TRANSCRIPTIONS_EVENTS = (
    "openai-transcriptions",
    "openai-transcriptions-text",
    "openai-transcriptions-events",
)
TRANSLATIONS, TRANSLATIONS_TEXT = "openai-translations", "openai-translations-text"
_Seconds = Annotated[float, msgspec.Meta(ge=0, le=PIECES_MAX - 1)]


class _InputDetails(msgspec.Struct, frozen=True):
    text_tokens: Count | None = None
    audio_tokens: Count | None = None


class _Usage(msgspec.Struct, frozen=True):
    """Tokens, or the seconds of a duration. Mistral reports both and charges the seconds."""

    input_tokens: Count | None = None
    output_tokens: Count | None = None
    input_token_details: _InputDetails | None = None
    seconds: _Seconds | None = None
    prompt_audio_seconds: _Seconds | None = None


_USAGE = Reader(_Usage)


class _Event(msgspec.Struct):
    """One event of a stream: a chunk of audio or text, or the last event, with the usage."""

    type: str = ""
    delta: str | None = None
    audio: str | None = None
    usage: msgspec.Raw = UNREPORTED
    error: Any = None


class _Transcription(msgspec.Struct):
    text: str
    duration: msgspec.Raw = UNREPORTED
    usage: msgspec.Raw = UNREPORTED


class _Failed(msgspec.Struct):
    error: Any = None


_EVENT = Lenient(_Event)
_TRANSCRIPTION = Lenient(_Transcription)
_FAILED = Lenient(_Failed)
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def start() -> None:
    """Return the state of the folds, which is empty."""


def step_audio(state: None, event: ServerEvent) -> tuple[None, tuple[Event, ...]]:
    """Fold one read of an audio file, or its end."""
    if event.name == END:
        return None, (Ended(),)
    return None, (AudioDelta(byte_count=len(event.data)),)


def step_events(state: None, event: ServerEvent) -> tuple[None, tuple[Event, ...]]:
    """Fold an event by its type: `….delta`, or `….done`, which is the last."""
    if event.data == b"[DONE]":
        return None, (Ended(),)
    decoded = read(_EVENT.decode, event.data)
    if isinstance(decoded, Broken):
        return None, (decoded,)
    if decoded.type.endswith(".done"):
        return None, (*_reported(decoded.usage, is_speech=decoded.type.startswith("speech")), Ended())
    if decoded.audio is not None:
        return None, (AudioDelta(byte_count=len(decoded.audio)),)
    return None, () if not decoded.delta else (TextDelta(text=decoded.delta),)


def as_stream(body: bytes) -> bytes | None:
    """Return a complete transcription as a stream; None if it has no text."""
    try:
        fields = _FIELDS.decode(body)
        text = fields.pop("text")
    except (*DECODE_ERRORS, KeyError):
        return None
    delta = {"type": "transcript.text.delta", "delta": text}
    done = {"type": "transcript.text.done", "text": text, **fields}
    return b"".join(b"data: %b\n\n" % msgspec.json.encode(event) for event in (delta, done))


def decode_transcription(body: bytes) -> tuple[Event, ...]:
    """Return the events of a transcription in JSON, in its short form or with a duration."""
    try:
        failed = _FAILED.decode(body)
        if failed.error is not None:
            return (reported_error(failed.error, body),)
        transcription = _TRANSCRIPTION.decode(body)
    except DECODE_ERRORS as problem:
        return (malformed(str(problem)),)
    usage_events = _reported(transcription.usage, is_speech=False)
    if not is_reported(transcription.usage) and len(transcription.duration):
        usage_events = _reported(msgspec.Raw(b'{"seconds":%b}' % transcription.duration), is_speech=False)
    return (TextDelta(text=transcription.text), *usage_events, Ended())


def decode_transcription_text(body: bytes) -> tuple[Event, ...]:
    """Return the events of a transcription as plain text or subtitles, which report no usage."""
    try:
        text = body.decode()
    except UnicodeDecodeError as problem:
        return (malformed(str(problem)),)
    if text.lstrip()[:15].lower().startswith(("<!doctype", "<html")):
        return (malformed("it is a web page"),)
    return (TextDelta(text=text), Ended())


def _reported(raw: msgspec.Raw, is_speech: bool) -> tuple[UsageReported, ...]:
    """Return the usage as units. Speech has text input and audio output.

    A transcription has audio input and text output.
    """
    notes: list[str] = []
    usage = _USAGE.read(raw, notes)
    if usage is None:
        return ()
    seconds = usage.prompt_audio_seconds if usage.seconds is None else usage.seconds
    if seconds is not None:
        units = {"seconds": ceil(seconds)}
    elif usage.input_tokens is None and usage.output_tokens is None:
        return ()
    else:
        units = _tokens(usage, is_speech)
    return (UsageReported(usage=usage_of(notes, units), notes=tuple(notes)),)


def _tokens(usage: _Usage, is_speech: bool) -> dict[str, int]:
    input_tokens, output_tokens = usage.input_tokens or 0, usage.output_tokens or 0
    if is_speech:
        return {"input_tokens": input_tokens, "output_audio_tokens": output_tokens}
    details = usage.input_token_details
    text = min(input_tokens, details.text_tokens or 0) if details else 0
    return {"input_tokens": text, "input_audio_tokens": input_tokens - text, "output_tokens": output_tokens}


def _streaming(name: str, path: str, family: str, raw: bool) -> ProviderDialect:
    return ProviderDialect(
        name=name,
        path=lambda model, stream: path,
        headers=headers,
        encode=never,
        refuses=never,
        decode=never,
        start=start,
        step=step_audio if raw else step_events,
        failure=failing_as(family),
        framer=RawFramer if raw else EventFramer,
        pass_through=with_model,
    )


def _whole(name: str, path: str, family: str, plain: bool) -> ProviderDialect:
    record = passing(name, path, decode_transcription_text if plain else decode_transcription)
    return msgspec.structs.replace(record, failure=failing_as(family))


AUDIO = (
    _streaming(SPEECH, "audio/speech", SPEECH, raw=True),
    _streaming(SPEECH_EVENTS, "audio/speech", SPEECH, raw=False),
    _whole(TRANSCRIPTIONS, "audio/transcriptions", TRANSCRIPTIONS, plain=False),
    _whole(TRANSCRIPTIONS_TEXT, "audio/transcriptions", TRANSCRIPTIONS, plain=True),
    msgspec.structs.replace(
        _streaming(TRANSCRIPTIONS_EVENTS, "audio/transcriptions", TRANSCRIPTIONS, raw=False), as_stream=as_stream
    ),
    _whole(TRANSLATIONS, "audio/translations", TRANSLATIONS, plain=False),
    _whole(TRANSLATIONS_TEXT, "audio/translations", TRANSLATIONS, plain=True),
)
