"""What has to change so that the books agree with a document: a pure comparison of things and their fields."""

from collections.abc import Collection, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from entrypoints.usecases.manage.configuration.document import Kind
from entrypoints.usecases.manage.configuration.items import Item

# Users and providers come before what belongs to them.
_ORDER: tuple[Kind, ...] = (
    "users", "keys", "providers", "credentials", "rates", "aliases", "limits", "budgets",
)  # fmt: skip


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """A field before and after the change; null: none."""

    field: str
    before: Any
    after: Any


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to add, change or remove."""

    action: Literal["add", "change", "remove"]
    kind: Kind
    name: Annotated[str, Meta(description="which of its kind")]
    moves: Annotated[list[Move], Meta(description="the fields that change")]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A change with the thing as it shall be: the fields that it has and those that are stated, the latter first."""

    change: Change
    item: Item
    whole: dict[str, Any]


def compare(want: Sequence[Item], have: Sequence[Item], prune: Collection[Kind]) -> list[Step]:
    """The steps, in an order in which they can be made; things that the document does not state go if pruned."""
    known = {(item.kind, item.parts): item for item in have}
    stated = {(item.kind, item.parts) for item in want}
    steps = [step for item in want if (step := _step(item, known.get((item.kind, item.parts))))]
    gone = [
        Step(change=_change("remove", item, []), item=item, whole=dict(item.fields))
        for item in have
        if item.kind in prune and (item.kind, item.parts) not in stated
    ]
    steps.sort(key=lambda step: _ORDER.index(step.change.kind))
    return steps + sorted(gone, key=lambda step: -_ORDER.index(step.change.kind))


def _step(item: Item, had: Item | None) -> Step | None:
    before = had.fields if had is not None else {}
    moves = [
        Move(field=field, before=_shown(before.get(field)), after=_shown(value))
        for field, value in item.fields.items()
        if _shown(before.get(field)) != _shown(value)
    ]
    if had is None:
        return Step(change=_change("add", item, moves), item=item, whole=dict(item.fields))
    if not moves:
        return None
    return Step(change=_change("change", item, moves), item=item, whole={**before, **item.fields})


def _change(action: Literal["add", "change", "remove"], item: Item, moves: list[Move]) -> Change:
    return Change(action=action, kind=item.kind, name=item.name, moves=moves)


def _shown(value: Any) -> Any:
    """The value; nothing is none, however it is written."""
    return None if value in ("", [], (), {}) else value
