"""Convert the usage of OpenAI's Responses API to disjoint units, with the hosted tools that are charged per use.

House rule: the units are those of chat completions, whose fields for the same counts have other names; a note about a
contradiction uses this API's names. OpenAI counts cached tokens inside `input_tokens` and reasoning inside
`output_tokens` (https://developers.openai.com/api/reference/resources/responses/methods/create).
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from adapters.providers.decode_errors import Count
from adapters.providers.openai import usage as chat
from adapters.providers.usage_counts import UNREPORTED, Reader
from domain.model_api.events import UsageReported
from domain.usage import PIECES_MAX, Usage


class WireUsage(msgspec.Struct, frozen=True):
    """A usage object as received; some servers report the counts with the names of chat completions."""

    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    prompt_tokens_details: chat.PromptDetails | None = None
    completion_tokens_details: chat.CompletionDetails | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    total_tokens: Count | None = None
    input_tokens_details: chat.PromptDetails | None = None
    output_tokens_details: chat.CompletionDetails | None = None
    cost: msgspec.Raw = UNREPORTED  # OpenRouter's, in dollars
    is_byok: Any = None
    cost_details: msgspec.Raw = UNREPORTED
    num_server_side_tools_used: Count | None = None  # xAI's count of all tools that it ran


class _WebSearch(msgspec.Struct, frozen=True):
    num_requests: Count | None = None


class ToolUsage(msgspec.Struct, frozen=True):
    """OpenAI's own count of its tools, in newer answers."""

    web_search: _WebSearch | None = None


_READER = Reader(WireUsage)
_TOOLS_READER = Reader(ToolUsage)


class Used(msgspec.Struct, frozen=True):
    """The fields of an output item that show whether a tool was used that is charged per use."""

    type: str = ""
    action: Any = None


# Charged per call (https://developers.openai.com/api/docs/pricing); a container of the code interpreter is charged per
# session, and a session has at least one call.
_CHARGED = frozenset({"file_search_call", "code_interpreter_call", "image_generation_call"})


def reported(
    raw: msgspec.Raw, used: Iterable[Used], tools: msgspec.Raw, service: str | None
) -> tuple[UsageReported, ...]:
    """Return the event for a usage object; nothing if there is none.

    `used` are the items of the output, and `tools` is OpenAI's count of its own tools.

    Example: input 2,600 of which cached 2,000, output 300 of which reasoning 100, and one search: input 600, cache read
    2,000, output 200, reasoning 100, tool uses 1.
    """
    notes: list[str] = []
    usage = _READER.read(raw, notes)
    if usage is None and not notes:
        return ()
    usage = usage or WireUsage()
    uses = usage.num_server_side_tools_used or tool_uses(used, _TOOLS_READER.read(tools, notes))
    same = chat.WireUsage(
        prompt_tokens=usage.input_tokens or usage.prompt_tokens,
        completion_tokens=usage.output_tokens or usage.completion_tokens,
        total_tokens=usage.total_tokens,
        prompt_tokens_details=usage.input_tokens_details or usage.prompt_tokens_details,
        completion_tokens_details=usage.output_tokens_details or usage.completion_tokens_details,
        tool_uses=uses or None,
        cost=usage.cost,
        is_byok=usage.is_byok,
        cost_details=usage.cost_details,
    )
    counted = chat.units(same, notes)
    if counted is None and not notes:
        return ()
    return (
        UsageReported(
            usage=counted or Usage(tool_uses=min(uses, PIECES_MAX)),
            service_tier=service,
            cost_nanos=chat.cost_nanos(same),
            notes=tuple(map(_with_local_names, notes)),
        ),
    )


def _with_local_names(note: str) -> str:
    return note.replace("prompt_tokens", "input_tokens").replace("completion_tokens", "output_tokens")


def tool_uses(used: Iterable[Used], counted: ToolUsage | None) -> int:
    """Return how many uses of hosted tools are charged per use.

    For web search only searches count: "actions such as opening a page are excluded" from `num_requests`, which is used
    if it is reported.
    """
    items = list(used)
    searches = counted.web_search.num_requests if counted is not None and counted.web_search is not None else None
    if searches is None:
        searches = sum(item.type == "web_search_call" and _is_search(item.action) for item in items)
    return searches + sum(item.type in _CHARGED for item in items)


def _is_search(action: Any) -> bool:
    return not isinstance(action, dict) or action.get("type") in (None, "search")
