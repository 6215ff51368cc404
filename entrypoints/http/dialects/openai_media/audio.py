"""OpenAI's audio, the caller's side: speech, transcriptions and translations; all of it passes through.

https://developers.openai.com/api/reference/resources/audio. The bounds of the charge are read here: the characters to
speak, the seconds of the recording. Audio cannot contain an error event, so the connection is closed where it fails.
"""

from typing import Annotated, Any, Literal

import msgspec

from domain.dialects.audio_duration import seconds_of
from domain.model_api.call import ModelCall
from domain.refusals import BadRequest
from domain.usage import Usage
from entrypoints.http.decode_errors import JsonDecoder
from entrypoints.http.dialects.dialect import CallerDialect
from entrypoints.http.dialects.openai_chat.field_errors import bad, read_body
from entrypoints.http.dialects.openai_media.multipart import Read, read_form
from entrypoints.http.dialects.openai_media.shared import Model, error, never_streams, only_passes, stream_error

# OpenAI takes 4,096 characters; others take more.
CHARACTERS_MAX = 1_000_000
_PLAIN = ("text", "srt", "vtt")
_JSON = ("json", "verbose_json", "diarized_json")


class _Speech(msgspec.Struct):
    model: Model
    input: Annotated[str, msgspec.Meta(min_length=1, max_length=CHARACTERS_MAX)]
    instructions: str | None = None
    stream_format: Literal["sse", "audio"] | None = None


_SPEECH = JsonDecoder(_Speech)


def read_speech(body: bytes) -> ModelCall | BadRequest:
    """A request for speech; the answer always streams."""
    found = read_body(_SPEECH, body)
    if isinstance(found, BadRequest):
        return found
    known, fields = found
    return ModelCall(
        dialect="openai-speech-events" if known.stream_format == "sse" else "openai-speech",
        operation="speech",
        model=known.model,
        fields=fields,
        body_bytes=len(body),
        stream=True,
        pieces=Usage(characters=len(known.input)),
    )


def read_transcription(body: bytes, content_type: str) -> ModelCall | BadRequest:
    """A request to transcribe a recording."""
    return _received(read_form(body, content_type), "openai-transcriptions")


def read_translation(body: bytes, content_type: str) -> ModelCall | BadRequest:
    """A request to transcribe a recording in English."""
    return _received(read_form(body, content_type), "openai-translations")


def _received(form: Read | BadRequest, family: str) -> ModelCall | BadRequest:
    if isinstance(form, BadRequest):
        return form
    recording = [part for part in form.files if part.name == "file"]
    if len(recording) != 1 or len(form.files) != 1:
        return bad("file", "Send one recording, with a file name.")
    answer, streams = form.text("response_format") or "json", form.text("stream") or "false"
    if answer not in (*_PLAIN, *_JSON):
        return bad("response_format", f"Use one of {', '.join((*_JSON, *_PLAIN))}.")
    if streams.lower() not in ("true", "false", "1", "0"):
        return bad("stream", "Send true or false.")
    seconds = seconds_of(form.form.body[recording[0].start : recording[0].end])
    if seconds is None:
        return bad("file", "Its length cannot be read. Send WAV, MP3, M4A, MP4, FLAC, Ogg or WebM.")
    stream = streams.lower() in ("true", "1") and family == "openai-transcriptions"
    return ModelCall(
        dialect=f"{family}{'-events' if stream else '-text' if answer in _PLAIN else ''}",
        operation="transcription",
        model=form.texts["model"][0],
        fields=form.fields(),
        form=form.form,
        body_bytes=form.text_bytes,
        stream=stream,
        pieces=Usage(seconds=seconds),
    )


def _only_a_form(_body: bytes) -> BadRequest:
    return BadRequest(field=None, problem="Send the recording as multipart/form-data, with the field `file`.")


def _caller(name: str, **readers: Any) -> CallerDialect:
    return CallerDialect(
        name=name,
        to_request=only_passes,
        whole=never_streams,
        start=never_streams,
        render=never_streams,
        error=error,
        stream_error=stream_error,
        **readers,
    )


SPEECH_CALLER = _caller("openai-speech", read=read_speech)
TRANSCRIPTIONS_CALLER = _caller("openai-transcriptions", read=_only_a_form, read_form=read_transcription)
TRANSLATIONS_CALLER = _caller("openai-translations", read=_only_a_form, read_form=read_translation)
