"""The views of the actions on aliases and routes."""

import msgspec

from entrypoints.cli.output import Output, Views, fields, table
from entrypoints.usecases.call import explain_route as routes
from entrypoints.usecases.manage import aliases
from entrypoints.usecases.management_context import NoFields

_NOTE = (
    "billing and strategy as this environment says; GET /api/route/MODEL asks a hub that runs, and what it has learned"
)
_NOTHING = "There are no aliases; see `aihub alias set -h`."


def alias_set(request: aliases.SetAlias, reply: aliases.AliasView) -> Output:
    """`alias set`."""
    return Output(text=f"{reply.name} leads to {_targets(reply)} from now on")


def alias_list(request: NoFields, reply: list[aliases.AliasView]) -> Output:
    """`alias list`."""
    rows = [(alias.name, alias.strategy, _targets(alias), _canary(alias), alias.set) for alias in reply]
    return Output(text=table(("NAME", "STRATEGY", "TARGETS", "CANARY", "SET"), rows, _NOTHING))


def alias_shown(request: aliases.NamedAlias, reply: aliases.AliasView) -> Output:
    """`alias show`."""
    shown = {**msgspec.structs.asdict(reply), "targets": _targets(reply), "canary": _canary(reply)}
    return Output(text=fields(shown))


def alias_removed(request: aliases.NamedAlias, reply: aliases.AliasRemoved) -> Output:
    """`alias remove`."""
    return Output(text=f"{reply.name} leads nowhere from now on")


def route_explained(request: routes.ExplainRoute, reply: routes.RouteView) -> Output:
    """`route explain`."""
    columns = ("place", "provider", "model", "credential", "priority", "weight", "expected_charge", "why")
    rows = [[_joined(getattr(one, column)) for column in columns] for one in reply.candidates]
    heads = [column.upper().replace("_", " ") for column in columns]
    left = "".join(f"\nleft out: {one.model}, since {one.why}" for one in reply.left_out)
    by = f"alias {reply.alias}, {reply.strategy}" if reply.alias else reply.strategy
    by += f", billing {'on' if reply.billed else 'off'}"
    text = f"{reply.model} ({by})\n" + table(heads, rows, "Nobody could serve it.") + left
    return Output(text=text, note=_NOTE)


def _joined(value: object) -> object:
    return " ".join(map(str, value)) if isinstance(value, tuple) else value


def _targets(alias: aliases.AliasView) -> str:
    return ", ".join(map(aliases.target_text, alias.targets))


def _canary(alias: aliases.AliasView) -> str:
    return f"{alias.canary.model}={alias.canary.percent}%" if alias.canary else ""


VIEWS: Views = {
    "alias set": alias_set,
    "alias list": alias_list,
    "alias show": alias_shown,
    "alias remove": alias_removed,
    "route explain": route_explained,
}
