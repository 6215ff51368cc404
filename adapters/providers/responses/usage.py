"""The usage of OpenAI's Responses API as disjoint leaves, and the hosted tools that it charges by the use.

House rule: the leaves are those of chat completions, whose words for the same counts are others; the sentence about
what does not add up names the fields as they are called here. OpenAI counts cached tokens inside `input_tokens` and
reasoning inside `output_tokens` (https://developers.openai.com/api/reference/resources/responses/methods/create).
"""

from collections.abc import Iterable

import msgspec

from adapters.providers.openai import usage as chat
from adapters.providers.wire import Count
from domain.usage import Usage


class WireUsage(msgspec.Struct, frozen=True):
    """A usage object as it comes."""

    input_tokens: Count | None = None
    output_tokens: Count | None = None
    total_tokens: Count | None = None
    input_tokens_details: chat.PromptDetails | None = None
    output_tokens_details: chat.CompletionDetails | None = None
    cost: msgspec.Raw = msgspec.Raw()  # OpenRouter's, in dollars
    num_server_side_tools_used: Count | None = None  # xAI's own count of all that it ran


def cost_nanos(usage: WireUsage) -> int | None:
    """What OpenRouter says that it charges, in nano-USD."""
    return chat.cost_nanos(chat.WireUsage(cost=usage.cost))


class _WebSearch(msgspec.Struct, frozen=True):
    num_requests: Count | None = None


class ToolUsage(msgspec.Struct, frozen=True):
    """What OpenAI itself counts of its tools, in newer answers."""

    web_search: _WebSearch | None = None


class Used(msgspec.Struct, frozen=True):
    """An output item, as far as it tells whether a tool was used that is charged by the use."""

    type: str = ""
    action: "_Action | None" = None


class _Action(msgspec.Struct, frozen=True):
    type: str | None = None


# Charged by the call (https://developers.openai.com/api/docs/pricing); a container of the code interpreter is charged
# by the session, and a session has at least one call.
_CHARGED = frozenset({"file_search_call", "code_interpreter_call", "image_generation_call"})


def leaves(usage: WireUsage, used: Iterable[Used], told: ToolUsage | None) -> Usage | str | None:
    """The usage as leaves, a sentence where it does not add up, or None where it counts nothing.

    input 2,600 of which cached 2,000, output 300 of which reasoning 100, and one search:
    input 600, cache read 2,000, output 200, reasoning 100, tool uses 1.
    """
    counted = chat.leaves(
        chat.WireUsage(
            prompt_tokens=usage.input_tokens,
            completion_tokens=usage.output_tokens,
            total_tokens=usage.total_tokens,
            prompt_tokens_details=usage.input_tokens_details,
            completion_tokens_details=usage.output_tokens_details,
            tool_uses=usage.num_server_side_tools_used or tool_uses(used, told) or None,
        )
    )
    if not isinstance(counted, str):
        return counted
    return counted.replace("prompt_tokens", "input_tokens").replace("completion_tokens", "output_tokens")


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


def _is_search(action: _Action | None) -> bool:
    return action is None or action.type in (None, "search")
