"""Applying a configuration to the books, and exporting that of the books: their requests, replies and use cases."""

from collections import deque
from functools import partial
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from domain.accounts.permissions import MANAGED_WITH
from domain.management.rates_from_prices import BOOK_SOURCE
from domain.refusals import AlreadyExists, BadRequest, NotFound
from entrypoints.usecases.manage.configuration.compare import Change, Step, compare
from entrypoints.usecases.manage.configuration.document import Document, Kind
from entrypoints.usecases.manage.configuration.items import Item, WrongItem, items_of
from entrypoints.usecases.manage.configuration.present import Present, present
from entrypoints.usecases.manage.configuration.rehearsal import rehearsing
from entrypoints.usecases.manage.configuration.secrets import Secrets, match_secrets
from entrypoints.usecases.manage.configuration.steps import Making, make
from entrypoints.usecases.management_context import ActionContext, Denial
from entrypoints.usecases.public_types import read, written

FIELD = "configuration"
_AS_ALWAYS = (("hidden", False), ("source", "operator"))


class ApplyConfiguration(msgspec.Struct, frozen=True, kw_only=True):
    """The configuration that the hub shall have; what it does not state stays as it is."""

    configuration: Annotated[Document, Meta(description="what the hub shall have")]
    secrets: Annotated[dict[str, str], Meta(description="the secrets, by the references that it has to them")] = {}
    prune: Annotated[
        tuple[Kind, ...], Meta(description="of these kinds, remove what the configuration does not state")
    ] = ()
    accept: Annotated[bool, Meta(description="remove what is to be pruned; without it that is only shown")] = False
    dry_run: Annotated[bool, Meta(description="only show what would change")] = False


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """A new API key: `key` is the key itself, shown here and never again."""

    user: str
    name: str
    id: str
    key: str


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What changes, and how many of these changes were made, in this order.

    `waiting`: nothing was done, because something would be removed and that was not accepted. `stopped` says why not
    all changes were made.
    """

    changes: list[Change]
    made: int
    waiting: bool
    stopped: str | None
    keys: Annotated[list[NewKey], Meta(description="the API keys that were made")]
    notes: list[str]


class ExportConfiguration(msgspec.Struct, frozen=True, kw_only=True):
    """How the configuration is wanted."""

    form: Annotated[Literal["yaml", "toml"], Meta(description="the form of the file; over HTTP it is JSON")] = "yaml"


class _Plan(msgspec.Struct, frozen=True, kw_only=True):
    steps: list[Step]
    now: Present
    secrets: Secrets


async def apply_configuration(context: ActionContext, request: ApplyConfiguration) -> Applied | Denial:
    """The configuration in the books. All changes are tried on a copy first, so one that is refused changes nothing."""
    try:
        plan = await _plan(context, request)
    except WrongItem as wrong:
        return _placed("", wrong.refusal)
    tried = await _carried_out(await rehearsing(context), plan)
    if tried.refusal is not None:
        return tried.refusal
    changes = [step.change for step in plan.steps]
    removes = any(change.action == "remove" for change in changes)
    waiting = removes and not (request.accept or request.dry_run)
    if request.dry_run or waiting:
        return Applied(changes=changes, made=0, waiting=waiting, stopped=None, keys=[], notes=plan.secrets.notes)
    done = await _carried_out(context, plan)
    return Applied(
        changes=changes,
        made=done.made,
        waiting=False,
        stopped=None if done.refusal is None else _words(done.refusal),
        keys=done.keys,
        notes=plan.secrets.notes,
    )


async def export_configuration(context: ActionContext, request: ExportConfiguration) -> Document | Denial:
    """The configuration that the books have, as it could be applied; rates that follow the price book are left out."""
    now_ms = context.hub.clock.now_ms()
    whole = (await present(context.hub.storage, now_ms)).document
    stated = msgspec.to_builtins(whole, enc_hook=written)
    stated["rates"] = {model: own for model, entry in stated.get("rates", {}).items() if (own := _own_rate(entry))}
    return msgspec.convert(_without_defaults(stated), Document, dec_hook=partial(read, now_ms))


def _own_rate(entry: dict[str, Any]) -> dict[str, Any]:
    """The rate, without the versions that were made from the price book."""
    later = [one for one in entry.get("later", ()) if not _is_from_book(one)]
    now = {} if _is_from_book(entry) else {name: value for name, value in entry.items() if name != "later"}
    return {**now, "later": later} if later else now


def _is_from_book(fields: Any) -> bool:
    return str(fields.get("source", "")).startswith(BOOK_SOURCE)


def _without_defaults(stated: Any) -> Any:
    """The same without what is none, and without what every rate has that an operator set."""
    if isinstance(stated, list | tuple):
        return [*map(_without_defaults, stated)]
    if not isinstance(stated, dict):
        return stated
    kept = {name: _without_defaults(value) for name, value in stated.items() if value not in (None, [], ())}
    return {name: value for name, value in kept.items() if (name, value) not in _AS_ALWAYS}


async def _plan(context: ActionContext, request: ApplyConfiguration) -> _Plan:
    """The steps from the books as they are to the configuration. Raises WrongItem."""
    now_ms = context.hub.clock.now_ms()
    want = items_of(request.configuration, now_ms)
    now = await present(context.hub.storage, now_ms)
    have = items_of(now.document, now_ms)
    secrets = match_secrets(context.hub.vault, want, have, now, request.secrets)
    steps = compare(secrets.want, secrets.have, request.prune)
    kept = [step for step in steps if not (step.change.action == "remove" and _stays(step.item))]
    return _Plan(steps=kept, now=now, secrets=secrets)


def _stays(item: Item) -> bool:
    """Whether it is not pruned: an owner, who could not manage the hub any more, and what follows the price book."""
    if item.kind == "users":
        return MANAGED_WITH[item.fields["role"]] == "manage an owner" or item.fields["enabled"] is False
    return item.kind == "rates" and (_is_from_book(item.fields) or bool(item.parts[1]))


class _Done(msgspec.Struct, frozen=True, kw_only=True):
    made: int
    keys: list[NewKey]
    refusal: Denial | None = None


async def _carried_out(context: ActionContext, plan: _Plan) -> _Done:
    """Make the changes, until one is refused.

    An alias that would lead back to itself as the others are now waits until they have changed.
    """
    making = Making(context=context, ids={**plan.now.ids, **plan.secrets.ids}, secrets=plan.secrets.values)
    waiting, put_off, made = deque(plan.steps), 0, 0
    refusal: Denial | None = None
    while waiting:
        step = waiting.popleft()
        refusal = await make(making, step)
        if refusal is None:
            made, put_off = made + 1, 0
            continue
        if step.item.kind != "aliases" or put_off > len(waiting):
            refusal = _placed(step.item.path, refusal)
            break
        put_off += 1
        waiting.insert(sum(one.item.kind == "aliases" for one in waiting), step)
    keys = [
        NewKey(user=user, name=name, id=making.ids["keys", (user, name)], key=text)
        for (user, name), text in making.minted.items()
    ]
    return _Done(made=made, keys=keys, refusal=refusal)


def _placed(path: str, refusal: Denial) -> Denial:
    """The refusal with the place in the document."""
    start = f"{FIELD}.{path}" if path else FIELD
    match refusal:
        case BadRequest(field=field, problem=problem):
            return BadRequest(field=f"{start}.{field}" if field else start, problem=problem, remedy=refusal.remedy)
        case NotFound(kind=kind, name=name):
            return BadRequest(field=start, problem=f"there is no {kind} {name}")
        case AlreadyExists(kind=kind, name=name):
            return BadRequest(field=start, problem=f"there is a {kind} {name} already")
    return refusal


def _words(refusal: Denial) -> str:
    if isinstance(refusal, BadRequest):
        return f"{(refusal.field or '').removeprefix(f'{FIELD}.')}: {refusal.problem}"
    return type(refusal).__name__
