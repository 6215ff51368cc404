"""OpenAI's images, the caller's side: generations for all image providers, edits for those with OpenAI's API.

https://developers.openai.com/api/reference/resources/images. House rule: the field `model` is required, since OpenAI
has changed its default; and a stream has one image, as its events have no number.
"""

from typing import Annotated, Any

import msgspec

from domain.model_api.call import ModelCall
from domain.model_api.events import Event, UsageReported
from domain.model_api.images import ImageResult, ImagesRequest
from domain.pricing.by_size import worded
from domain.refusals import BadRequest
from domain.usage import Usage
from entrypoints.http.decode_errors import JsonDecoder
from entrypoints.http.dialects.dialect import CallerDialect, Rendering
from entrypoints.http.dialects.openai_chat.field_errors import bad, read_body
from entrypoints.http.dialects.openai_media.multipart import Read
from entrypoints.http.dialects.openai_media.multipart import read_form as read_parts
from entrypoints.http.dialects.openai_media.shared import Model, error, never_streams, stream_error

GENERATIONS, EDITS = "openai-images", "openai-image-edits"
COUNT_MAX = 10
_TRUE, _FALSE = ("true", "1"), ("false", "0", "")
_CANONICAL = frozenset(
    {"model", "prompt", "n", "size", "quality", "background", "output_format", "response_format", "user"}
)


_SILENT = (b"null", b"false", b"0", b'"auto"')


class _Body(msgspec.Struct):
    model: Model
    prompt: Annotated[str, msgspec.Meta(min_length=1)]
    n: Annotated[int, msgspec.Meta(ge=1, le=COUNT_MAX)] | None = None
    stream: bool | None = None
    images: list[msgspec.Raw] | None = None
    size: str | None = None
    quality: str | None = None
    background: str | None = None
    output_format: str | None = None
    response_format: str | None = None


_BODY = JsonDecoder(_Body)
_WORD: JsonDecoder[str | None] = JsonDecoder(str | None)


def read(body: bytes) -> ModelCall | BadRequest:
    """The requested images."""
    return _read(body, GENERATIONS)


def read_edit(body: bytes) -> ModelCall | BadRequest:
    """A request to edit images that are named by URL or file id."""
    call = _read(body, EDITS)
    if isinstance(call, ModelCall) and not call.images:
        return bad("images", "Send the images to change, or a form with the field `image`.")
    return call


def read_form(body: bytes, content_type: str) -> ModelCall | BadRequest:
    """A request to edit the images in the form."""
    form = read_parts(body, content_type)
    if isinstance(form, BadRequest):
        return form
    if not any(part.name in ("image", "image[]") for part in form.files):
        return bad("image", "Send the images to change, each with a file name.")
    if not form.text("prompt"):
        return bad("prompt", "The field is missing.")
    count, streams = form.text("n") or "1", (form.text("stream") or "").lower()
    if not (count.isascii() and count.isdigit() and 1 <= int(count[:3]) <= COUNT_MAX and len(count) < 3):
        return bad("n", f"Send a whole number from 1 to {COUNT_MAX}.")
    if streams not in (*_TRUE, *_FALSE):
        return bad("stream", "Send true or false.")
    return _call(EDITS, form.texts["model"][0], form.fields(), int(count), streams in _TRUE, form, len(form.files))


def to_request(call: ModelCall) -> ImagesRequest | BadRequest:
    """The call in canonical form. Fields that only OpenAI has are in `extra`, for the others to refuse by name."""
    if call.dialect == EDITS:
        return ImagesRequest(model=call.model, prompt="", extra={"image": msgspec.Raw(b"null")})
    known = _BODY.decode(msgspec.json.encode(call.fields))
    extra = {name: raw for name, raw in call.fields.items() if name not in _CANONICAL and bytes(raw) not in _SILENT}
    return ImagesRequest(
        model=call.model,
        prompt=known.prompt,
        count=known.n or 1,
        size=_unless_auto(known.size),
        quality=_unless_auto(known.quality),
        background=_unless_auto(known.background),
        format=known.output_format,
        answer=known.response_format,
        extra=extra,
    )


def whole(events: tuple[Event, ...], rendering: Rendering) -> bytes:
    """The images as OpenAI lists them; tokens, where the provider reported any."""
    data = [
        {
            name: value
            for name, value in (
                ("b64_json", event.base64),
                ("url", event.url),
                ("revised_prompt", event.revised_prompt),
            )
            if value is not None
        }
        for event in events
        if isinstance(event, ImageResult)
    ]
    usages = [_usage(event.usage) for event in events if isinstance(event, UsageReported)]
    return msgspec.json.encode(
        {"created": rendering.created_s, "data": data, **({"usage": usages[-1]} if usages else {})}
    )


def _usage(usage: Usage) -> dict[str, Any]:
    text = usage.input_tokens + usage.cache_read_tokens
    made = usage.output_image_tokens + usage.output_tokens + usage.reasoning_tokens
    return {
        "input_tokens": text + usage.input_image_tokens,
        "output_tokens": made,
        "total_tokens": text + usage.input_image_tokens + made,
        "input_tokens_details": {"text_tokens": text, "image_tokens": usage.input_image_tokens},
    }


def _read(body: bytes, dialect: str) -> ModelCall | BadRequest:
    found = read_body(_BODY, body)
    if isinstance(found, BadRequest):
        return found
    known, fields = found
    # A mask is an image too.
    images = len(known.images or ()) + 1 if dialect == EDITS and known.images else 0
    return _call(dialect, known.model, fields, known.n or 1, known.stream is True, len(body), images)


def _call(
    dialect: str,
    model: str,
    fields: dict[str, msgspec.Raw],
    count: int,
    stream: bool,
    source: Read | int,
    images: int,
) -> ModelCall | BadRequest:
    if stream and count > 1:
        return bad("n", "A stream gives one image: leave n out, or send stream: false.")
    return ModelCall(
        dialect=dialect,
        operation="images",
        model=model,
        fields=fields,
        form=source.form if isinstance(source, Read) else None,
        body_bytes=source.text_bytes if isinstance(source, Read) else source,
        stream=stream,
        choices=count,
        images=images,
        pieces=Usage(images=count),
        size=worded(_text(fields, "size")),
        quality=worded(_text(fields, "quality")),
    )


def _text(fields: dict[str, msgspec.Raw], name: str) -> str | None:
    return _WORD.decode(fields[name]) if name in fields else None


def _unless_auto(value: str | None) -> str | None:
    return None if value == "auto" else value


def _caller(name: str, **readers: Any) -> CallerDialect:
    return CallerDialect(
        name=name,
        to_request=to_request,
        whole=whole,
        start=never_streams,
        render=never_streams,
        error=error,
        stream_error=stream_error,
        **readers,
    )


IMAGES_CALLER = _caller(GENERATIONS, read=read)
EDITS_CALLER = _caller(EDITS, read=read_edit, read_form=read_form)
