"""OpenAI's moderations, the caller's side: the bound of the charge is read, and the rest passed through.

https://developers.openai.com/api/reference/resources/moderations/methods/create
"""

from typing import Annotated

import msgspec

from domain.model_api.call import ModelCall
from domain.refusals import BadRequest
from entrypoints.http.decode_errors import JsonDecoder
from entrypoints.http.dialects.dialect import CallerDialect
from entrypoints.http.dialects.openai_chat.field_errors import bad, read_body
from entrypoints.http.dialects.openai_media.shared import Model, error, never_streams, only_passes, stream_error

NAME = "openai-moderations"
# OpenAI's default model.
MODEL_DEFAULT = "omni-moderation-latest"


class _Part(msgspec.Struct):
    type: str


class _Body(msgspec.Struct):
    input: Annotated[str, msgspec.Meta(min_length=1)] | Annotated[list[str | _Part], msgspec.Meta(min_length=1)]
    model: Model | None = None


_BODY = JsonDecoder(_Body)


def read(body: bytes) -> ModelCall | BadRequest:
    """A request body as a call, or the first problem with it."""
    found = read_body(_BODY, body)
    if isinstance(found, BadRequest):
        return found
    known, fields = found
    parts = [part for part in known.input if isinstance(part, _Part)] if isinstance(known.input, list) else []
    for number, part in enumerate(parts):
        if part.type not in ("text", "image_url"):
            return bad(f"input[{number}].type", "A part is a text or an image_url.")
    return ModelCall(
        dialect=NAME,
        operation="moderation",
        model=known.model or MODEL_DEFAULT,
        fields=fields,
        body_bytes=len(body),
        images=sum(part.type == "image_url" for part in parts),
        inputs=len(known.input) if isinstance(known.input, list) and not parts else 1,
    )


MODERATIONS_CALLER = CallerDialect(
    name=NAME,
    read=read,
    to_request=only_passes,
    whole=never_streams,
    start=never_streams,
    render=never_streams,
    error=error,
    stream_error=stream_error,
)
