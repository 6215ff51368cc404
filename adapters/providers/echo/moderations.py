"""The echo's moderations: no text is ever flagged."""

from typing import Annotated, Any

import msgspec

from adapters.providers.echo.shared import EchoAnswer, as_json

_CATEGORIES = ("harassment", "hate", "illicit", "self-harm", "sexual", "violence")


class _Part(msgspec.Struct, frozen=True):
    type: str


class _Request(msgspec.Struct, frozen=True):
    model: str
    input: str | Annotated[list[str | _Part], msgspec.Meta(min_length=1)]


_REQUEST = msgspec.json.Decoder(_Request)


def moderations(body: bytes, content_type: str) -> EchoAnswer:
    """Return one result for each text, and one for all parts of a message."""
    request = _REQUEST.decode(body)
    texts = isinstance(request.input, list) and isinstance(request.input[0], str)
    verdict: dict[str, Any] = {
        "flagged": False,
        "categories": dict.fromkeys(_CATEGORIES, False),
        "category_scores": dict.fromkeys(_CATEGORIES, 0.0),
    }
    results = [verdict] * (len(request.input) if texts else 1)
    return as_json({"id": "modr-echo", "model": request.model, "results": results})
