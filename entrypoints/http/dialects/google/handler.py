"""The routes `…/models/{model}:{method}` of Gemini's API."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from domain.refusals import UnknownPath
from entrypoints.http.dialects.dialect_choice import dialect_of
from entrypoints.http.dialects.google import google_caller
from entrypoints.http.dialects.google.count_tokens import count_handler
from entrypoints.http.dialects.google.embeddings import embed_handler
from entrypoints.http.dialects.google.json_list_stream import as_list
from entrypoints.http.dialects.google.recognition import with_key
from entrypoints.http.model_call import chat_handler
from entrypoints.http.replies import refuse
from entrypoints.http.wire import Handler, Reply, Request
from entrypoints.usecases.call_context import CallContext


def model_method_handler(hub: CallContext) -> Handler:
    """The handler of all methods; a model's name may have slashes and colons."""

    def handle(request: Request) -> AbstractAsyncContextManager[Reply]:
        name, _, method = request.path_values["model"].rpartition(":")
        return _handler(hub, name.removeprefix("models/"), method, request)(with_key(request))

    return handle


def _handler(hub: CallContext, model: str, method: str, request: Request) -> Handler:
    match method:
        case "generateContent":
            return chat_handler(hub, google_caller(model, stream=False))
        case "streamGenerateContent":
            streaming = chat_handler(hub, google_caller(model, stream=True))
            return streaming if request.query_value("alt") == "sse" else as_list(streaming)
        case "countTokens":
            return count_handler(hub, model)
        case "embedContent":
            return embed_handler(hub, model, batch=None)
        case "batchEmbedContents":
            return embed_handler(hub, model, batch="requests")
        case _:
            return _unserved


@asynccontextmanager
async def _unserved(request: Request) -> AsyncIterator[Reply]:
    yield refuse(dialect_of(request), request, UnknownPath(path=request.path))
