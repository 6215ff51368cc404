"""A recorded request without the fields that a dialect leaves out and names: what is left must be sent, all of it.

Fields are named as the caller's dialect writes places, `tools[0].web_search` or `tools.0.type`. Where the last word is
an element's `type`, or that type's value, the whole element is left out. A single word that is no field is the type of
blocks in messages. A name that leads nowhere raises: what is named must have been asked for.
"""

import copy
import re
from collections.abc import Iterable
from typing import Any

# Fields of a tool that ask for what is so anyway: they are left out in silence.
_SAYS_NOTHING = {"defer_loading": (True, False), "allowed_callers": (["direct"],)}

# What stands in the result of a tool and comes behind it elsewhere, as a part of its own.
MOVED = "tool_result."


def without(request: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The request without the fields and elements of these names, and without what says nothing."""
    left = copy.deepcopy(request)
    dropped = [name for name in names if not name.startswith(MOVED)]
    found = [place for name in dropped for place in (_blocks(left, name) or [_found(left, name)])]
    for container, key in found:
        if isinstance(container, list):
            container[:] = [element for element in container if element is not key]
        else:
            del container[key]
    for tool in left.get("tools") or ():
        for name, values in _SAYS_NOTHING.items():
            if tool.get(name) in values:
                del tool[name]
    if left.get("tools") == []:
        del left["tools"]
    return left


def _blocks(request: dict[str, Any], kind: str) -> list[tuple[Any, Any]]:
    """The blocks of a type that stand in a message, each with the list that it is in."""
    contents = [message.get("content") for message in request.get("messages") or ()]
    lists = [content for content in contents if isinstance(content, list)]
    return [(content, block) for content in lists for block in content if block["type"] == kind]


def _found(value: Any, name: str) -> tuple[Any, Any]:
    """The container and the key of what is named; of a list, the element itself."""
    *steps, last = re.split(r"\.|\[|\]\.?", name)
    holder = value
    for step in steps:
        holder, value = value, value[int(step)] if isinstance(value, list) else value[step]
        if isinstance(value, list) and all(isinstance(element, str) for element in value):
            return value, next(element for element in value if name.endswith(f".{element}"))
    if isinstance(holder, list) and (last == "type" or last == value["type"]):
        return holder, value
    assert last in value, f"{name} is named as left out and was not asked for"
    return value, last
