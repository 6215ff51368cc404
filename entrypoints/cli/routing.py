"""The commands about aliases and routes."""

from argparse import Namespace

from domain.catalog.aliases import Alias
from domain.refusals import UnknownModel, UnpricedModel
from domain.routing.learned import Advice
from entrypoints.cli.output import Complaint, Said, fields, made, moment, table
from entrypoints.config import Settings
from entrypoints.usecases.call.explain_route import Sample, explained
from entrypoints.usecases.manage import aliases
from entrypoints.usecases.management_context import ManagementContext

_NOTE = (
    "billing and strategy as this environment says; GET /api/route/MODEL asks a hub that runs, and what it has learned"
)
_NOTHING = "There are no aliases; see `aihub alias set -h`."


async def set_alias(desk: ManagementContext, settings: Settings, args: Namespace) -> Said:
    """`alias set`: a new alias, or a new version of one."""
    words = aliases.AliasWords(
        name=args.name,
        targets=args.to,
        strategy=args.strategy,
        canary=args.canary,
        first_token_timeout_s=args.first_token_timeout,
    )
    outcome = made(await aliases.put_alias(desk, args.actor, words))
    if not isinstance(outcome.row, Alias):
        raise Complaint("no alias was set")
    return Said(value=_alias(outcome.row), text=f"{args.name} leads to {_targets(outcome.row)} from now on")


async def list_aliases(desk: ManagementContext, settings: Settings, args: Namespace) -> Said:
    """`alias list`."""
    found = await aliases.aliases(desk.storage)
    rows = [(a.name, a.strategy, _targets(a), _canary(a), moment(a.known_ms)) for a in found]
    heads = ("NAME", "STRATEGY", "TARGETS", "CANARY", "SET")
    return Said(value=[*map(_alias, found)], text=table(heads, rows, _NOTHING))


async def show_alias(desk: ManagementContext, settings: Settings, args: Namespace) -> Said:
    """`alias show`."""
    for alias in await aliases.aliases(desk.storage):
        if alias.name == args.name:
            told = _alias(alias)
            return Said(value=told, text=fields({**told, "targets": _targets(alias), "canary": _canary(alias)}))
    raise Complaint(f"there is no alias {args.name!r}; see `aihub alias list`")


async def remove_alias(desk: ManagementContext, settings: Settings, args: Namespace) -> Said:
    """`alias remove`."""
    made(await aliases.delete_alias(desk, args.actor, args.name))
    return Said(value={"name": args.name, "removed": True}, text=f"{args.name} leads nowhere from now on")


async def explain_route(desk: ManagementContext, settings: Settings, args: Namespace) -> Said:
    """`route explain`: by the books alone, as a process that has just started would route it."""
    catalog = (await desk.storage.catalog()).indexed()
    now_ms = desk.clock.now_ms()
    told = explained(catalog, Advice(), Sample(model=args.model), settings.billed, settings.strategy, now_ms)
    if isinstance(told, UnpricedModel):
        raise Complaint(f"{told.model} has no rate, so it is not sold while billing is on; see `aihub rate set -h`")
    if isinstance(told, UnknownModel):
        known = f"; known here: {', '.join(told.similar)}" if told.similar else ""
        raise Complaint(f"no provider here serves {args.model!r}{known}; see `aihub provider list`")
    columns = ("place", "provider", "model", "credential", "priority", "weight", "expected_charge", "why")
    rows = [[_joined(one[column]) for column in columns] for one in told["candidates"]]
    heads = [column.upper().replace("_", " ") for column in columns]
    left = "".join(f"\nleft out: {one['model']}, since {one['why']}" for one in told["left_out"])
    by = f"alias {told['alias']}, {told['strategy']}" if told["alias"] else told["strategy"]
    by += f", billing {'on' if settings.billed else 'off'}"
    text = f"{told['model']} ({by})\n" + table(heads, rows, "Nobody could serve it.") + left
    return Said(value=told, text=text, note=_NOTE)


def _joined(value: object) -> object:
    return " ".join(map(str, value)) if isinstance(value, list) else value


def _alias(alias: Alias) -> dict[str, object]:
    timeout_ms = alias.first_token_timeout_ms
    canary = alias.canary
    return {
        "name": alias.name,
        "strategy": alias.strategy,
        "targets": [{"model": t.model, "priority": t.priority, "weight": t.weight} for t in alias.targets],
        "canary": {"model": canary.model, "percent": canary.percent} if canary else None,
        "first_token_timeout_s": None if timeout_ms is None else timeout_ms // 1000,
        "set": moment(alias.known_ms),
        "id": alias.id,
    }


def _targets(alias: Alias) -> str:
    return ", ".join(map(aliases.target_text, alias.targets))


def _canary(alias: Alias) -> str:
    return f"{alias.canary.model}={alias.canary.percent}%" if alias.canary else ""
