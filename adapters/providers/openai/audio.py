"""OpenAI's sound, the provider's side: what is spoken and what is heard passes through and is metered on the way.

https://developers.openai.com/api/reference/resources/audio tells tokens where a stream of events was asked for or a
newer model answers, seconds for `whisper-1`, and for a plain file nothing: then the request tells (`ModelCall.pieces`).
"""

from math import ceil
from typing import Annotated, Any

import msgspec

from adapters.providers.decode_errors import NONSENSE, Count
from adapters.providers.dialect import ProviderDialect, ServerEvent, never
from adapters.providers.framing.raw import END, RawFramer
from adapters.providers.framing.sse import EventFramer
from adapters.providers.lenient_json import Lenient
from adapters.providers.openai import headers
from adapters.providers.openai.failure import malformed, told
from adapters.providers.openai.operations import failing_as, passing, read, with_model
from adapters.providers.usage_counts import UNTOLD, Reader, is_told, usage_of
from domain.model_api.events import AudioDelta, Broken, Ended, Event, TextDelta, UsageReported
from domain.usage import PIECES_MAX

SPEECH, SPEECH_EVENTS = "openai-speech", "openai-speech-events"
HEARD, HEARD_TEXT, HEARD_EVENTS = "openai-transcriptions", "openai-transcriptions-text", "openai-transcriptions-events"
TRANSLATED, TRANSLATED_TEXT = "openai-translations", "openai-translations-text"
_Seconds = Annotated[float, msgspec.Meta(ge=0, le=PIECES_MAX - 1)]


class _InputDetails(msgspec.Struct, frozen=True):
    text_tokens: Count | None = None
    audio_tokens: Count | None = None


class _Usage(msgspec.Struct, frozen=True):
    """Tokens, or the seconds of a duration; Mistral tells both, and charges the seconds."""

    input_tokens: Count | None = None
    output_tokens: Count | None = None
    input_token_details: _InputDetails | None = None
    seconds: _Seconds | None = None
    prompt_audio_seconds: _Seconds | None = None


_USAGE = Reader(_Usage)


class _Event(msgspec.Struct):
    """One event of a stream: a piece of sound or text, or the last, with the usage."""

    type: str = ""
    delta: str | None = None
    audio: str | None = None
    usage: msgspec.Raw = UNTOLD
    error: Any = None


class _Heard(msgspec.Struct):
    text: str
    duration: msgspec.Raw = UNTOLD
    usage: msgspec.Raw = UNTOLD


class _Failed(msgspec.Struct):
    error: Any = None


_EVENT = Lenient(_Event)
_HEARD = Lenient(_Heard)
_FAILED = Lenient(_Failed)


def start() -> None:
    """The folds remember nothing."""


def step_audio(state: None, event: ServerEvent) -> tuple[None, tuple[Event, ...]]:
    """A read of a sound, or its end."""
    if event.name == END:
        return None, (Ended(),)
    return None, (AudioDelta(byte_count=len(event.data)),)


def step_events(state: None, event: ServerEvent) -> tuple[None, tuple[Event, ...]]:
    """An event that tells its type: `….delta`, or `….done`, which is the last."""
    if event.data == b"[DONE]":
        return None, (Ended(),)
    said = read(_EVENT.decode, event.data)
    if isinstance(said, Broken):
        return None, (said,)
    if said.type.endswith(".done"):
        return None, (*_reported(said.usage, spoken=said.type.startswith("speech")), Ended())
    if said.audio is not None:
        return None, (AudioDelta(byte_count=len(said.audio)),)
    return None, () if not said.delta else (TextDelta(text=said.delta),)


def decode_heard(body: bytes) -> tuple[Event, ...]:
    """What was heard, as JSON: short, or with its duration."""
    try:
        failed = _FAILED.decode(body)
        if failed.error is not None:
            return (told(failed.error, body),)
        heard = _HEARD.decode(body)
    except NONSENSE as problem:
        return (malformed(str(problem)),)
    told_usage = _reported(heard.usage, spoken=False)
    if not is_told(heard.usage) and len(heard.duration):
        told_usage = _reported(msgspec.Raw(b'{"seconds":%b}' % heard.duration), spoken=False)
    return (TextDelta(text=heard.text), *told_usage, Ended())


def decode_heard_text(body: bytes) -> tuple[Event, ...]:
    """What was heard, as plain text or subtitles: nothing in it counts anything."""
    try:
        text = body.decode()
    except UnicodeDecodeError as problem:
        return (malformed(str(problem)),)
    if text.lstrip()[:15].lower().startswith(("<!doctype", "<html")):
        return (malformed("it is a web page"),)
    return (TextDelta(text=text), Ended())


def _reported(raw: msgspec.Raw, spoken: bool) -> tuple[UsageReported, ...]:
    """The usage as units; what is spoken comes as sound and goes in as text, what is heard the other way round."""
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
        units = _tokens(usage, spoken)
    return (UsageReported(usage=usage_of(notes, units), notes=tuple(notes)),)


def _tokens(usage: _Usage, spoken: bool) -> dict[str, int]:
    given, made = usage.input_tokens or 0, usage.output_tokens or 0
    if spoken:
        return {"input_tokens": given, "output_audio_tokens": made}
    details = usage.input_token_details
    text = min(given, details.text_tokens or 0) if details else 0
    return {"input_tokens": text, "input_audio_tokens": given - text, "output_tokens": made}


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
    record = passing(name, path, decode_heard_text if plain else decode_heard)
    return msgspec.structs.replace(record, failure=failing_as(family))


AUDIO = (
    _streaming(SPEECH, "audio/speech", SPEECH, raw=True),
    _streaming(SPEECH_EVENTS, "audio/speech", SPEECH, raw=False),
    _whole(HEARD, "audio/transcriptions", HEARD, plain=False),
    _whole(HEARD_TEXT, "audio/transcriptions", HEARD, plain=True),
    _streaming(HEARD_EVENTS, "audio/transcriptions", HEARD, raw=False),
    _whole(TRANSLATED, "audio/translations", TRANSLATED, plain=False),
    _whole(TRANSLATED_TEXT, "audio/translations", TRANSLATED, plain=True),
)
