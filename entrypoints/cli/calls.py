"""The views of the actions on the call log."""

from collections.abc import Sequence
from typing import Any

import msgspec

from domain.usage import Usage
from entrypoints.cli.output import Output, Views, fields, table
from entrypoints.usecases.manage import call_actions as actions
from entrypoints.usecases.manage.call_view import CallView, CallWithAdjustments
from entrypoints.usecases.manage.imports import imported_calls
from entrypoints.usecases.public_types import written

_APART = ("attempts", "adjustments", "lines", "usage", "charge", "hold", "uncollected", "billed", "adjusted")


def call_list(request: actions.ListCalls, reply: list[CallView]) -> Output:
    """`call list`, the newest first."""
    rows = [
        (
            call.id,
            call.started,
            call.user,
            call.model,
            call.provider or (call.attempts[-1].provider if call.attempts else None),
            _ending(call),
            *_in_and_out(call),
            call.charge if call.billed else None,
            call.cost_usd,
        )
        for call in reply
    ]
    heads = ("ID", "STARTED", "USER", "MODEL", "PROVIDER", "ENDING", "IN", "OUT", "CHARGE", "COST USD")
    note = "IN and OUT in tokens, CHARGE in credits"
    if not all(call.billed for call in reply):
        note += "; a call without a charge was made with billing off"
    return Output(text=table(heads, rows, "There are no calls yet."), note=note if reply else "")


def call_shown(request: actions.ShowCall, reply: CallWithAdjustments) -> Output:
    """`call show`; fields without a value have no line."""
    value = msgspec.structs.asdict(reply)
    shown = {name: part for name, part in value.items() if part not in (None, "", False) and name not in _APART}
    used = (
        {name.replace("_", " "): n for name, n in msgspec.structs.asdict(reply.usage).items() if n}
        if reply.usage
        else {}
    )
    shown["usage"] = ", ".join(f"{unit} {n}" for unit, n in used.items()) or "none"
    for name in ("charge", "hold", "uncollected"):
        shown[name] = f"{written(value[name])} credits"
    if not reply.billed:
        shown["charge"] += ", as billing was off"
    if not reply.uncollected:
        del shown["uncollected"]
    ordered = {name: shown[name] for name in value if name in shown}
    parts = [fields(ordered), _rows("attempt", reply.attempts), _rows("adjustment", reply.adjustments)]
    parts.append(_rows("line", reply.lines))
    return Output(text="\n\n".join(filter(None, parts)))


def _rows(noun: str, values: Sequence[Any]) -> str:
    """The values as a table with a number before each, long messages last; nothing where there are none."""
    if not values:
        return ""
    names = sorted(values[0].__struct_fields__, key=lambda name: name == "message")
    heads = [noun.upper(), *(name.upper().replace("_", " ") for name in names)]
    return table(heads, [(n, *(getattr(value, name) for name in names)) for n, value in enumerate(values, 1)], "")


def _ending(call: CallView) -> str:
    ending = call.ending or "running"
    return f"{ending}, incomplete" if call.incomplete and ending == "completed" else ending


def _in_and_out(call: CallView) -> tuple[int | None, int | None]:
    if call.usage is None:
        return None, None
    tokens = {name: n for name, n in msgspec.structs.asdict(call.usage).items() if name.endswith("_tokens")}
    output = sum(n for name, n in tokens.items() if name.startswith(("output_", "reasoning_")))
    return sum(tokens.values()) - output, output


def imported_list(request: imported_calls.ListImportedCalls, reply: list[imported_calls.ImportedCallView]) -> Output:
    """`call imported`, the newest first."""
    rows = [
        (call.id, call.started, call.user, call.model, call.provider, call.status, *_counts(call.usage), call.charged)
        for call in reply
    ]
    heads = ("ID", "STARTED", "USER", "MODEL", "PROVIDER", "STATUS", "IN", "OUT", "CHARGED THERE")
    return Output(text=table(heads, rows, "No calls were imported."))


def _counts(usage: Usage | None) -> tuple[int | None, int | None]:
    return (None, None) if usage is None else (usage.input_tokens, usage.output_tokens)


VIEWS: Views = {
    "call imported": imported_list,
    "call list": call_list,
    "call show": call_shown,
}
