"""The views of the actions on the statistics."""

import msgspec

from entrypoints.cli.output import Output, Views, fields, table
from entrypoints.usecases.manage import stats, stats_proof
from entrypoints.usecases.management_context import NoFields
from entrypoints.usecases.public_types import written


def verified(request: NoFields, reply: stats_proof.StatsVerified) -> Output:
    """`stats verify`; exit code 1 if a sum is not that of its calls."""
    if reply.differs_at is None:
        return Output(text=f"The sums of usage equal the calls: sums {reply.sums}, calls {reply.calls}.")
    text = f"The sums of usage are not those of the calls in the quarter of an hour from {written(reply.differs_at)}."
    return Output(text=text, code=1)


_SHOWN = ("calls", "charge", "cost", "input_tokens", "output_tokens", "pieces", "average_ms")


def shown(request: stats.ShowStats, reply: stats.StatsView) -> Output:
    """`stats show`: the totals, and a table of the rows."""
    total = {"time": f"{written(reply.since)} to {written(reply.until)}", **msgspec.structs.asdict(reply.total)}
    text = fields(total)
    if reply.before is not None:
        before = {name: getattr(reply.before, name) for name in ("calls", "charge", "cost")}
        text += "\n\nThe time of the same length before:\n" + fields(before)
    if request.by or request.every != "whole":
        subjects = [*(["since"] if request.every != "whole" else []), *request.by]
        rows = [
            [*(getattr(row, name) for name in subjects), *(getattr(row.figures, name) for name in _SHOWN)]
            for row in reply.rows
        ]
        heads = [name.replace("_", " ").upper() for name in (*subjects, *_SHOWN)]
        text += "\n\n" + table(heads, rows, "There are no such calls.")
    return Output(text=text)


VIEWS: Views = {"stats show": shown, "stats verify": verified}
