"""The usage of OpenAI's Responses API as disjoint units, and the hosted tools that it charges by the use.

House rule: the leaves are those of chat completions, whose words for the same counts are others; a note about what does
not add up names the fields as they are called here. OpenAI counts cached tokens inside `input_tokens` and
reasoning inside `output_tokens` (https://developers.openai.com/api/reference/resources/responses/methods/create).
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
    """A usage object as it comes."""

    input_tokens: Count | None = None
    output_tokens: Count | None = None
    total_tokens: Count | None = None
    input_tokens_details: chat.PromptDetails | None = None
    output_tokens_details: chat.CompletionDetails | None = None
    cost: msgspec.Raw = UNREPORTED  # OpenRouter's, in dollars
    is_byok: Any = None
    cost_details: msgspec.Raw = UNREPORTED
    num_server_side_tools_used: Count | None = None  # xAI's own count of all that it ran


class _WebSearch(msgspec.Struct, frozen=True):
    num_requests: Count | None = None


class ToolUsage(msgspec.Struct, frozen=True):
    """What OpenAI itself counts of its tools, in newer answers."""

    web_search: _WebSearch | None = None


_READER = Reader(WireUsage)
_TOOLS_READER = Reader(ToolUsage)


class Used(msgspec.Struct, frozen=True):
    """An output item, as far as it tells whether a tool was used that is charged by the use."""

    type: str = ""
    action: Any = None


# Charged by the call (https://developers.openai.com/api/docs/pricing); a container of the code interpreter is charged
# by the session, and a session has at least one call.
_CHARGED = frozenset({"file_search_call", "code_interpreter_call", "image_generation_call"})


def reported(
    raw: msgspec.Raw, used: Iterable[Used], tools: msgspec.Raw, service: str | None
) -> tuple[UsageReported, ...]:
    """The event that says what a usage object counts; none where there is no usage object.

    `used` are the items of the output, and `tools` what OpenAI counts of its own tools.

    input 2,600 of which cached 2,000, output 300 of which reasoning 100, and one search:
    input 600, cache read 2,000, output 200, reasoning 100, tool uses 1.
    """
    notes: list[str] = []
    usage = _READER.read(raw, notes)
    if usage is None and not notes:
        return ()
    usage = usage or WireUsage()
    uses = usage.num_server_side_tools_used or tool_uses(used, _TOOLS_READER.read(tools, notes))
    same = chat.WireUsage(
        prompt_tokens=usage.input_tokens,
        completion_tokens=usage.output_tokens,
        total_tokens=usage.total_tokens,
        prompt_tokens_details=usage.input_tokens_details,
        completion_tokens_details=usage.output_tokens_details,
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
            notes=tuple(map(_in_words_of_here, notes)),
        ),
    )


def _in_words_of_here(note: str) -> str:
    return note.replace("prompt_tokens", "input_tokens").replace("completion_tokens", "output_tokens")


def tool_uses(used: Iterable[Used], told: ToolUsage | None) -> int:
    """How often hosted tools were used that are charged by the use.

    Of web search only searches are: "actions such as opening a page are excluded" from `num_requests`, which is
    believed where it is told.
    """
    items = list(used)
    searches = told.web_search.num_requests if told is not None and told.web_search is not None else None
    if searches is None:
        searches = sum(item.type == "web_search_call" and _is_search(item.action) for item in items)
    return searches + sum(item.type in _CHARGED for item in items)


def _is_search(action: Any) -> bool:
    return not isinstance(action, dict) or action.get("type") in (None, "search")
