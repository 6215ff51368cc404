"""`aihub rerate`: past calls under the rate as it is known now."""

from argparse import Namespace

from domain.money import format_credits
from domain.refusals import UnknownModel
from entrypoints.cli.output import Complaint, Output, moment, table
from entrypoints.config import Settings
from entrypoints.usecases.manage.rerating import Due, apply, due
from entrypoints.usecases.manage.users import user_names
from entrypoints.usecases.management_context import ManagementContext


async def rerate_calls(context: ManagementContext, settings: Settings, args: Namespace) -> Output:
    """`rerate`: the adjustments that are due; --apply makes them."""
    found = await due(
        context, args.model, args.since(context.clock.now_ms()), args.until and args.until(context.clock.now_ms())
    )
    if isinstance(found, UnknownModel):
        near = f"; known here: {', '.join(found.similar)}" if found.similar else ""
        raise Complaint(f"no model {found.model!r} has or had a rate{near}; see `aihub rate list`")
    if args.apply:
        found = await apply(context, found)
    names = await user_names(context.storage)
    value = [_due(one, names.get(one.call.user_id, one.call.user_id)) for one in found]
    columns = ("call", "started", "user", "before", "after", "difference", "owed")
    rows = [[row[column] for column in columns] for row in value]
    owed = sum(one.done.owed_nanos for one in found if one.done)
    moved = sum(one.done.amount_nanos if one.done else one.after_nanos - one.before_nanos for one in found)
    verb = "were" if args.apply else "would be"
    sums = f"{len(found)} calls {verb} charged anew, {format_credits(moved)} credits in all"
    sums += f"; {format_credits(owed)} are owed by wallets that lack them" if owed else ""
    text = table([column.upper() for column in columns], rows, "No charge differs.")
    summary = {"calls": value, "applied": args.apply, "moved": format_credits(moved), "owed": format_credits(owed)}
    note = "" if args.apply or not found else "nothing was changed; --apply charges them"
    return Output(value=summary, text=f"{text}\n\n{sums}" if found else text, note=note)


def _due(one: Due, user: str) -> dict[str, object]:
    moved = one.done.amount_nanos if one.done else one.after_nanos - one.before_nanos
    return {
        "call": one.call.id,
        "started": moment(one.call.started_ms),
        "user": user,
        "rate_id": one.rate.id,
        "before": format_credits(one.before_nanos),
        "after": format_credits(one.after_nanos),
        "difference": format_credits(moved),
        "owed": format_credits(one.done.owed_nanos) if one.done and one.done.owed_nanos else None,
    }
