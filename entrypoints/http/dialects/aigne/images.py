"""AIGNE's native call for images: `{"input": {"prompt", "image", "n", "modelOptions"}}`, answered with `images`.

House rule: it is OpenAI's call with other field names, so it is translated to that and answered from that; the shapes
are those of `ImageModel` of `@aigne/core`. Images in the request are edited.
"""

from typing import Any

import msgspec

from domain.model_api.call import ModelCall
from domain.refusals import BadRequest
from entrypoints.http.decode_errors import JSON_ERRORS, JsonDecoder
from entrypoints.http.dialects.aigne.camel_case import snake
from entrypoints.http.dialects.aigne.native import File, charged, misplaced, reworded
from entrypoints.http.dialects.openai_chat.field_errors import unreadable
from entrypoints.http.dialects.openai_media.images import EDITS_CALLER, IMAGES_CALLER
from entrypoints.http.wire import Handler, Reply
from entrypoints.usecases.call_context import CallContext

_CLIENTS_OWN = frozenset(("model", "preferInputFileType", "stream"))
_INPUTS = frozenset(("prompt", "n", "images"))


class _Input(msgspec.Struct, rename="camel"):
    prompt: str
    model_options: dict[str, msgspec.Raw]
    image: list[File] | None = None
    n: int | None = None


class _Body(msgspec.Struct):
    input: _Input


class _Image(msgspec.Struct):
    b64_json: str | None = None
    url: str | None = None


class _Usage(msgspec.Struct, frozen=True):
    input_tokens: int = 0
    output_tokens: int = 0


class _Made(msgspec.Struct):
    data: list[_Image] = []
    usage: _Usage = _Usage()
    output_format: str = "png"


_BODY = JsonDecoder(_Body)
_MADE = JsonDecoder(_Made)


def read(body: bytes) -> ModelCall | BadRequest:
    """A native call as OpenAI's, for new or edited images; a problem names the field of this API."""
    try:
        requested = _BODY.decode(body).input
    except JSON_ERRORS as error:
        return _renamed(unreadable(error))
    for place, file in enumerate(requested.image or ()):
        if (elsewhere := misplaced(f"input.image[{place}]", file)) is not None:
            return elsewhere
    translated: dict[str, Any] = {"model": requested.model_options.get("model"), "prompt": requested.prompt}
    translated |= {snake(name): value for name, value in requested.model_options.items() if name not in _CLIENTS_OWN}
    if requested.n is not None:
        translated["n"] = requested.n
    if requested.image:
        translated["images"] = [{"image_url": _url(file)} for file in requested.image]
    caller = EDITS_CALLER if requested.image else IMAGES_CALLER
    call = caller.read(msgspec.json.encode(translated))
    return _renamed(call) if isinstance(call, BadRequest) else call


def image_handler(hub: CallContext) -> Handler:
    """`POST /api/v2/image`: OpenAI's images, in AIGNE's shapes."""
    return reworded(hub, msgspec.structs.replace(IMAGES_CALLER, read=read), _in_aignes_shape)


def _in_aignes_shape(reply: Reply) -> Reply:
    assert isinstance(reply.body, bytes)
    headers = dict(reply.headers)
    try:
        made = _MADE.decode(reply.body)
    except msgspec.ValidationError:
        return reply  # The caller paid for it, so the provider's own answer is better than none.
    reported = {
        "images": [_file(image, f"image/{made.output_format}") for image in made.data],
        "usage": charged(made.usage.input_tokens, made.usage.output_tokens, headers),
        "modelCallId": headers["x-request-id"],
    }
    return msgspec.structs.replace(reply, body=msgspec.json.encode(reported))


def _file(image: _Image, media_type: str) -> dict[str, str | None]:
    if image.b64_json is not None:
        return {"type": "file", "data": image.b64_json, "mimeType": media_type}
    return {"type": "url", "url": image.url}


def _url(file: File) -> str:
    return file.url or "" if file.type == "url" else f"data:{file.mime_type};base64,{file.data or ''}"


def _renamed(wrong: BadRequest) -> BadRequest:
    """The problem with the field's name as this API has it."""
    if wrong.field is None or wrong.field.startswith("input"):
        return wrong
    field = "image" if wrong.field == "images" else wrong.field
    inside = wrong.field.partition("[")[0] in _INPUTS
    return msgspec.structs.replace(wrong, field=f"input.{'' if inside else 'modelOptions.'}{field}")
