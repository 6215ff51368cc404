"""The commands about calls, their usage and their charges."""

from argparse import Namespace
from typing import Any

import msgspec

from domain.money import format_credits
from domain.refusals import NotFound
from entrypoints.cli.output import NotDone, Output, fields, moment, table
from entrypoints.config import Settings
from entrypoints.usecases.manage import call_log as reports
from entrypoints.usecases.manage.call_view import adjustment_view, call_view
from entrypoints.usecases.management_context import ManagementContext

_APART = ("attempts", "adjustments", "usage", "charge", "hold", "uncollected", "billed")


async def list_calls(context: ManagementContext, settings: Settings, args: Namespace) -> Output:
    """`call list`, the newest first."""
    found = await reports.newest_calls(context.storage, args.user, args.limit, args.before)
    if isinstance(found, NotFound):
        raise NotDone(found)
    rows = [
        (
            report.call.id,
            moment(report.call.started_ms),
            report.user,
            report.call.model,
            report.call.provider or (report.call.attempts[-1].provider if report.call.attempts else None),
            _ending(report),
            *_in_and_out(report),
            format_credits(report.call.charge_nanos) if report.call.billed else None,
            None if report.call.cost_nanos is None else format_credits(report.call.cost_nanos),
        )
        for report in found
    ]
    heads = ("ID", "STARTED", "USER", "MODEL", "PROVIDER", "ENDING", "IN", "OUT", "CHARGE", "COST USD")
    note = "IN and OUT in tokens, CHARGE in credits"
    if not all(report.call.billed for report in found):
        note += "; a call without a charge was made with billing off"
    text = table(heads, rows, "There are no calls yet.")
    return Output(value=[*map(call_view, found)], text=text, note=note if found else "")


async def show_call(context: ManagementContext, settings: Settings, args: Namespace) -> Output:
    """`call show`: every field under --json; for people, the fields that have a value."""
    found = await reports.one_call(context.storage, args.id)
    if isinstance(found, NotFound):
        raise NotDone(found)
    value = call_view(found)
    value["adjustments"] = [*map(adjustment_view, await context.storage.adjustments(args.id))]
    return Output(value=value, text=_text(value))


def _text(value: dict[str, Any]) -> str:
    """The call as text; fields without a value have no line."""
    shown = {name: part for name, part in value.items() if part not in (None, "", False) and name not in _APART}
    used = {unit.replace("_", " "): n for unit, n in (value["usage"] or {}).items() if n}
    shown["usage"] = ", ".join(f"{unit} {n}" for unit, n in used.items()) or "none"
    for name in ("charge", "hold", "uncollected"):
        shown[name] = f"{value[name]} credits"
    if not value["billed"]:
        shown["charge"] += ", as billing was off"
    if value["uncollected"] == "0":
        del shown["uncollected"]
    ordered = {name: shown[name] for name in value if name in shown}
    parts = [fields(ordered), _rows("attempt", value["attempts"]), _rows("adjustment", value["adjustments"])]
    return "\n\n".join(filter(None, parts))


def _rows(noun: str, values: list[dict[str, Any]]) -> str:
    """The values as a table with a number before each, long messages last; nothing where there are none."""
    if not values:
        return ""
    names = sorted(values[0], key=lambda name: name == "message")
    heads = [noun.upper(), *(name.upper().replace("_", " ") for name in names)]
    return table(heads, [(n, *(value[name] for name in names)) for n, value in enumerate(values, 1)], "")


def _ending(report: reports.CallReport) -> str:
    ending = report.call.ending or "running"
    return f"{ending}, incomplete" if report.incomplete and ending == "completed" else ending


def _in_and_out(report: reports.CallReport) -> tuple[int | None, int | None]:
    usage = report.call.usage
    if usage is None:
        return None, None
    tokens = {name: n for name, n in msgspec.structs.asdict(usage).items() if name.endswith("_tokens")}
    written = sum(n for name, n in tokens.items() if name.startswith(("output_", "reasoning_")))
    return sum(tokens.values()) - written, written
