"""Azure's paths: the deployment in the path is the model, and the body's own model is ignored.

https://learn.microsoft.com/azure/ai-services/openai/reference
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import msgspec

from domain.refusals import UnknownPath
from entrypoints.http.dialects.dialect_choice import dialect_of
from entrypoints.http.replies import refuse
from entrypoints.http.wire import Handler, Reply, Request

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_PART = b'--%b\r\nContent-Disposition: form-data; name="model"\r\n\r\n%b\r\n'


def deployment_handler(operations: Mapping[str, Handler]) -> Handler:
    """`POST /openai/deployments/{deployment}/{operation}`, such as `/openai/deployments/oai/gpt-5/chat/completions`.

    `operations` are the handlers by their usual paths, such as `/v1/chat/completions`. A deployment's name may have
    slashes, as names of models may.
    """

    @asynccontextmanager
    async def handle(request: Request) -> AsyncIterator[Reply]:
        path = request.path_values["deployment"]
        for template, handler in operations.items():
            operation = template.removeprefix("/v1")
            if path.endswith(operation) and len(path) > len(operation):
                model = path[: -len(operation)]
                requested = msgspec.structs.replace(request, path=template, path_values={}, body=_of(request, model))
                async with handler(requested) as reply:
                    yield reply
                return
        yield refuse(dialect_of(request), request, UnknownPath(path=request.path))

    return handle


def _of(request: Request, model: str) -> bytes:
    """The body with the model's name in it; the handler refuses a body that is neither a JSON object nor a form."""
    content_type = request.headers.get("content-type", "")
    if content_type.lower().startswith("multipart/"):
        boundary = content_type.partition("boundary=")[2].partition(";")[0].strip('" ').encode("latin-1")
        has_one = not boundary or b'name="model"' in request.body
        return request.body if has_one else _PART % (boundary, model.encode()) + request.body
    try:
        fields = _FIELDS.decode(request.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return request.body
    return msgspec.json.encode(fields | {"model": model})
