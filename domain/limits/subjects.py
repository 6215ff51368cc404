"""What a limit or a budget is for, as text: `hub`, or a kind and an id, such as `model:openai/gpt-5`.

`key:*`, `user:*` and `team:*` stand for each key, user or team for itself.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

SubjectKind = Literal["hub", "key", "user", "team", "model", "provider"]
HUB = "hub"
# Each of these may be limited for itself, by one limit.
EACH = ("key", "user", "team")
_EACH = {f"{kind}:*": f"{kind}:" for kind in EACH}


def of(kind: SubjectKind, name: str) -> str:
    """The subject of a kind with that id or name."""
    return HUB if kind == "hub" else f"{kind}:{name}"


def kind_of(subject: str) -> str:
    """The kind of a subject."""
    return subject.partition(":")[0]


def name_of(subject: str) -> str:
    """The id or name of a subject; empty for the hub."""
    return subject.partition(":")[2]


@lru_cache(maxsize=4_096)
def of_call(
    key_id: str, user_id: str, team_ids: tuple[str, ...], models: tuple[str, ...], providers: tuple[str, ...]
) -> tuple[str, ...]:
    """All subjects of a call, those for each key, user and team included. `models` are all its names of a model."""
    return (
        HUB,
        f"key:{key_id}",
        f"user:{user_id}",
        *(f"team:{team}" for team in team_ids),
        *(f"model:{model}" for model in models),
        *(f"provider:{provider}" for provider in providers),
        *_EACH,
    )


def concrete(subject: str, subjects: Iterable[str]) -> tuple[str, ...]:
    """Which of the call's subjects a limit counts for: itself, or for `key:*` the call's key."""
    start = _EACH.get(subject)
    if start is None:
        return (subject,)
    return tuple(one for one in subjects if one.startswith(start) and one != subject)


def exposure_of(provider: str) -> str:
    """The id of the limit that caps the exposure to a provider: there is one for each."""
    return f"exposure:{provider}"
