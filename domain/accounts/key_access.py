"""What a valid key may do: its purpose, and the operations and models that it is limited to."""

from domain.accounts.rows import ApiKey
from domain.refusals import KeyNotAllowed

ALL = "*"


def management_refusal(key: ApiKey) -> KeyNotAllowed | None:
    """The refusal of a key that may not manage the hub; None where it may."""
    return KeyNotAllowed(what="manage the hub") if key.purpose == "models" else None


def calling_refusal(key: ApiKey, operation: str) -> KeyNotAllowed | None:
    """The refusal of a key that may not call models, or not for this operation; None where it may."""
    if key.purpose == "management":
        return KeyNotAllowed(what="call models")
    if key.operations and operation not in key.operations and ALL not in key.operations:
        return KeyNotAllowed(what=f"call models for {operation}")
    return None


def may_call(key: ApiKey, *names: str) -> bool:
    """Whether the key may call a model that has these names: as requested, and as `provider/model`."""
    return not key.models or any(matches(pattern, name) for pattern in key.models for name in names)


def matches(pattern: str, name: str) -> bool:
    """Whether a name matches a pattern, in which `*` stands for any text: `openai/*`, `*-mini`, `gpt-5`."""
    first, *rest = pattern.split(ALL)
    if not rest:
        return pattern == name
    if not name.startswith(first):
        return False
    at = len(first)
    *middle, last = rest
    for part in middle:
        found = name.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(name) - at >= len(last) and name.endswith(last)
