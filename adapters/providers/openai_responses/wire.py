"""Wire shapes of the Responses API's events, limited to the fields that the hub uses.

https://developers.openai.com/api/reference/resources/responses/streaming-events
"""

from typing import Annotated, Any

import msgspec

from adapters.providers.lenient_json import SPELLED
from adapters.providers.usage_counts import UNREPORTED


class Why(msgspec.Struct, frozen=True):
    """Why an answer is incomplete."""

    reason: str | None = None


class Response(msgspec.Struct, frozen=True):
    """A response, complete or in progress."""

    id: str | None = None
    model: str | None = None
    status: str | None = None
    output: list[msgspec.Raw] | None = None
    usage: msgspec.Raw = UNREPORTED
    tool_usage: msgspec.Raw = UNREPORTED
    service_tier: Any = None
    incomplete_details: Why | None = None
    error: Any = None


class About(msgspec.Struct, frozen=True):
    """`response.created` and the events that end an answer."""

    response: Response = Response()


class ItemEvent(msgspec.Struct, frozen=True):
    """An output item begins, or is done."""

    item: msgspec.Raw = msgspec.Raw(b"{}")
    output_index: int | None = None


class Delta(msgspec.Struct, frozen=True):
    """More of an item: of its text, its reasoning, or its arguments."""

    delta: Annotated[str, SPELLED] = ""
    output_index: int | None = None
    content_index: int = 0
    summary_index: int = 0


class Annotation(msgspec.Struct, frozen=True):
    """A citation of a text."""

    annotation: msgspec.Raw = msgspec.Raw(b"null")
    output_index: int | None = None


class Typed(msgspec.Struct, frozen=True):
    """Any object with a type."""

    type: str = ""
