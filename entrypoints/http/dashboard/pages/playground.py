"""The playground: several models side by side, under the visitor's own key. The script calls the relay."""

from collections.abc import Mapping, Sequence

from domain.accounts.key_access import calling_refusal, may_call
from domain.model_api.operations import OperationName
from entrypoints.http.api.model_description import operations
from entrypoints.http.api.models_and_health import callable_models
from entrypoints.http.dashboard.page import View, Visitor
from entrypoints.http.wire import Request
from entrypoints.usecases.call_context import CallContext

NAMES_MAX = 500
# Each kind of answer with its label, the label of what it is made from, and its operation.
KINDS: Sequence[tuple[str, str, str, OperationName]] = (
    ("text", "Text", "Message", "chat"),
    ("image", "Image", "Describe the image", "images"),
    ("embedding", "Embedding", "Text to embed", "embeddings"),
    ("speech", "Speech", "Text to speak", "speech"),
    ("video", "Video", "Describe the video", "video"),
)
KIND_OF_OPERATION: Mapping[str, str] = {operation: kind for kind, _, _, operation in KINDS}
_ECHO = "echo/echo"


async def playground_page(hub: CallContext, visitor: Visitor, request: Request) -> View:
    """`GET /dashboard/playground`; `model` and `kind` choose what it begins with."""
    key = visitor.caller.key
    listed = [one for one in await callable_models(hub) if may_call(key, one.name, one.served.model)]
    names = [(one.name, _made(operations(one.served))) for one in listed]
    first = next((name for name, _ in names if name == _ECHO), names[0][0] if names else "")
    wanted, kind = request.query_value("model"), request.query_value("kind")
    values = {
        "names": names[:NAMES_MAX],
        "model": wanted or first,
        "kinds": [each[:3] for each in KINDS],
        "kind": kind if kind in KIND_OF_OPERATION.values() else "text",
        "is_chosen": "yes" if wanted else "",
        "refused": calling_refusal(key, "chat") is not None,
        "billed": hub.billed,
    }
    return View(template="playground.html", title="Playground", values=values)


def _made(offered: Sequence[OperationName]) -> str:
    """What a model makes, where that is not only text."""
    kinds = [label.lower() for _, label, _, operation in KINDS if operation in offered]
    return "" if kinds == ["text"] else ", ".join(kinds)
