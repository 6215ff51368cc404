"""AIGNE's native call for video: `{"input": {"prompt", "seconds", "size", "image", "modelOptions"}}`, and its `videos`.

The shapes are those of `VideoModel` of `@aigne/core`. Further fields of its other video models (`negativePrompt`,
`aspectRatio`, `lastFrame`, …) may be in the input or in the options; the input takes precedence.
House rule: every field keeps AIGNE's own name, which is Google's, so that a refusal for lack of support uses that name.
"""

from typing import Annotated, Any

import msgspec

from domain.model_api.call import ModelCall
from domain.model_api.events import Event
from domain.model_api.video import SECONDS_UNREQUESTED_MAX, FirstFrame, VideoRequest, VideoResult, resolution
from domain.pricing.by_size import worded
from domain.refusals import BadRequest
from domain.usage import Usage
from entrypoints.http.decode_errors import JSON_ERRORS, JsonDecoder
from entrypoints.http.dialects.aigne.native import File, charged, misplaced, reworded
from entrypoints.http.dialects.aigne.repeated_requests import once_if_repeated
from entrypoints.http.dialects.dialect import CallerDialect, Rendering
from entrypoints.http.dialects.openai_chat.field_errors import unreadable
from entrypoints.http.dialects.openai_media.shared import Model, error, never_streams, stream_error
from entrypoints.http.wire import Handler, Reply
from entrypoints.usecases.call_context import CallContext

NAME = "aigne-video"
SECONDS_MAX = 600
_CLIENTS_OWN = frozenset(("modelOptions", "model", "outputFileType", "preferInputFileType", "stream"))
_CANONICAL = frozenset(("prompt", "size", "seconds", "image", "lastFrame", "referenceImages"))


class _Options(msgspec.Struct):
    model: Model | None = None


class _Input(msgspec.Struct, rename="camel"):
    model: Model | None = None
    model_options: dict[str, msgspec.Raw] = {}


class _Body(msgspec.Struct):
    input: msgspec.Raw


class _Video(msgspec.Struct, rename="camel"):
    prompt: Annotated[str, msgspec.Meta(min_length=1)]
    size: Annotated[str, msgspec.Meta(min_length=1)] | None = None
    seconds: str | int | None = None
    image: File | None = None
    last_frame: File | None = None
    reference_images: list[File] = []


_BODY = JsonDecoder(_Body)
_INPUT = JsonDecoder(_Input)
_FIELDS = JsonDecoder(dict[str, msgspec.Raw])
_VIDEO = JsonDecoder(_Video)
_OPTIONS = JsonDecoder(_Options)


def read(body: bytes) -> ModelCall | BadRequest:
    """The requested video, its length and its size; the length bounds the charge."""
    try:
        if not body.isascii():
            body.decode()
        raw = _BODY.decode(body).input
        known = _INPUT.decode(raw)
        given = _FIELDS.decode(raw)
        options = _OPTIONS.decode(msgspec.json.encode(known.model_options))
        pairs = (
            (name, value) for name, value in (*known.model_options.items(), *given.items()) if bytes(value) != b"null"
        )
        fields = {name: value for name, value in pairs if name not in _CLIENTS_OWN}
        video = _VIDEO.decode(msgspec.json.encode(fields))
    except JSON_ERRORS as problem:
        return _placed(unreadable(problem))
    model = known.model or options.model
    if model is None:
        return BadRequest(field="input.modelOptions.model", problem="The field is missing.")
    seconds = _seconds(video.seconds)
    if isinstance(seconds, BadRequest):
        return seconds
    if (elsewhere := _on_a_disk(video)) is not None:
        return elsewhere
    size = worded(video.size)
    return ModelCall(
        dialect=NAME,
        operation="video",
        model=model,
        fields=fields,
        body_bytes=len(body),
        pieces=Usage(video_seconds=seconds or SECONDS_UNREQUESTED_MAX),
        size=size and resolution(size),
    )


def to_request(call: ModelCall) -> VideoRequest | BadRequest:
    """The call in canonical form."""
    video = _VIDEO.decode(msgspec.json.encode(call.fields))
    seconds = _seconds(video.seconds)
    assert not isinstance(seconds, BadRequest), "`read` has looked"
    return VideoRequest(
        model=call.model,
        prompt=video.prompt,
        seconds=seconds,
        size=video.size if worded(video.size) else None,
        image=_still(video.image) if video.image else None,
        last_frame=_still(video.last_frame) if video.last_frame else None,
        references=tuple(map(_still, video.reference_images)),
        extra={name: raw for name, raw in call.fields.items() if name not in _CANONICAL},
    )


def whole(events: tuple[Event, ...], rendering: Rendering) -> bytes:
    """The video as a file, since the hub keeps no videos for a URL."""
    videos = [event for event in events if isinstance(event, VideoResult)]
    reported: dict[str, Any] = {
        "videos": [
            {
                "type": "file",
                "data": video.base64,
                "mimeType": video.media_type,
                "filename": f"{rendering.call_id}.{video.media_type.rpartition('/')[2]}",
            }
            for video in videos
        ],
        "model": rendering.call.model,
        "seconds": sum(video.seconds for video in videos),
        "modelWithProvider": rendering.served,
    }
    return msgspec.json.encode(reported)


VIDEO_CALLER = CallerDialect(
    name=NAME,
    read=read,
    to_request=to_request,
    whole=whole,
    start=never_streams,
    render=never_streams,
    error=error,
    stream_error=stream_error,
)


def video_handler(hub: CallContext) -> Handler:
    """`POST /api/v2/video`: one video; the reply waits until it is made."""
    return once_if_repeated(hub, reworded(hub, VIDEO_CALLER, _with_usage))


def _with_usage(reply: Reply) -> Reply:
    """The answer with its charge, which is known once it is settled."""
    assert isinstance(reply.body, bytes)
    headers = dict(reply.headers)
    reported = {**_FIELDS.decode(reply.body), "usage": charged(0, 0, headers), "modelCallId": headers["x-request-id"]}
    return msgspec.structs.replace(reply, body=msgspec.json.encode(reported))


def _seconds(value: str | int | None) -> int | BadRequest | None:
    """The requested length of the video; the client writes it as a text."""
    if value is None:
        return None
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(SECONDS_MAX)) and 1 <= int(text) <= SECONDS_MAX):
        problem = f"Send a whole number of seconds from 1 to {SECONDS_MAX}."
        return BadRequest(field="input.seconds", problem=problem)
    return int(text)


def _on_a_disk(video: _Video) -> BadRequest | None:
    """The problem with an image on the caller's own disk, which cannot be sent on."""
    named = (("image", video.image), ("lastFrame", video.last_frame))
    numbered = ((f"referenceImages[{place}]", file) for place, file in enumerate(video.reference_images))
    found = (misplaced(f"input.{name}", file) for name, file in (*named, *numbered))
    return next((problem for problem in found if problem is not None), None)


def _still(file: File) -> FirstFrame:
    if file.type == "url":
        return FirstFrame(media_type=file.mime_type, url=file.url or "")
    return FirstFrame(media_type=file.mime_type, base64=file.data or "")


def _placed(wrong: BadRequest) -> BadRequest:
    """The problem with the field's name as this API has it."""
    if wrong.field is None or wrong.field.startswith("input"):
        return wrong
    return msgspec.structs.replace(wrong, field=f"input.{wrong.field}")
