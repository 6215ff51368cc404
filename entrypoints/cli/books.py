"""The commands about the books: calls, proof, sweep, copy; and the settings."""

import sys
from argparse import Namespace
from collections.abc import Callable, Sequence

import msgspec

from domain.calls import AttemptRecord
from domain.money import format_credits
from domain.refusals import Missing
from domain.verification import Difference
from entrypoints.cli.said import Complaint, Said, complaint, fields, moment, table
from entrypoints.config import Effective, Settings
from entrypoints.usecases import reports, upkeep
from entrypoints.usecases.desk import Desk


async def list_calls(desk: Desk, settings: Settings, args: Namespace) -> Said:
    """`call list`, the newest first."""
    found = await reports.newest_calls(desk.storage, args.user, args.limit)
    if isinstance(found, Missing):
        raise complaint(found)
    rows = [
        (
            report.call.id,
            moment(report.call.started_ms),
            report.user,
            report.call.model,
            report.call.provider,
            report.call.ending or "running",
            "incomplete" if report.incomplete else "",
            *_in_and_out(report),
            format_credits(report.call.charge_nanos),
            _cost(report.call.cost_nanos),
        )
        for report in found
    ]
    heads = ("ID", "STARTED", "USER", "MODEL", "PROVIDER", "ENDING", "", "IN", "OUT", "CHARGE", "COST USD")
    return Said(value=[*map(_call, found)], text=table(heads, rows, "There are no calls yet."))


async def show_call(desk: Desk, settings: Settings, args: Namespace) -> Said:
    """`call show`, with every field."""
    found = await reports.one_call(desk.storage, args.id)
    if isinstance(found, Missing):
        raise complaint(found)
    value = _call(found)
    value["adjustments"] = [
        {
            "rate_id": adjustment.rate_id,
            "amount": format_credits(adjustment.amount_nanos),
            "owed": format_credits(adjustment.owed_nanos),
            "at": moment(adjustment.at_ms),
        }
        for adjustment in await desk.storage.adjustments(args.id)
    ]
    return Said(value=value, text=fields(value))


async def verify_ledger(desk: Desk, settings: Settings, args: Namespace) -> Said:
    """`ledger verify`; exit code 1 with the first difference."""
    found = await upkeep.verify(desk.storage, _progress())
    if isinstance(found, Difference):
        text = f"{found.subject}: {found.claim}: booked {found.booked}, derived {found.derived}"
        print(f"aihub: the books do not add up; {text}", file=sys.stderr)
        return Said(value={"ok": False, **msgspec.structs.asdict(found)}, text="", code=1)
    counts = {"transfers": found.transfers, "lots": found.lots, "calls": found.calls, "open_holds": found.open_holds}
    sums = {
        "issued": format_credits(found.issued_nanos),
        "revenue": format_credits(found.revenue_nanos),
        "breakage": format_credits(found.breakage_nanos),
        "available": format_credits(found.available_nanos),
        "held": format_credits(found.held_nanos),
    }
    text = "The books add up: issued = revenue + breakage + available + held.\n\n" + fields({**counts, **sums})
    return Said(value={"ok": True, **counts, **sums}, text=text)


async def sweep(desk: Desk, settings: Settings, args: Namespace) -> Said:
    """`sweep`."""
    swept = await upkeep.sweep(desk.storage, desk.liveness, desk.clock)
    given_back = sum(call.hold_nanos for call in swept.lost)
    broken = sum(lot.available_nanos for lot in swept.expired_lots)
    value = {
        "lost": len(swept.lost),
        "given_back": format_credits(given_back),
        "expired": len(swept.expired_lots),
        "breakage": format_credits(broken),
        "calls": [call.id for call in swept.lost],
    }
    text = (
        f"{len(swept.lost)} lost calls gave back {format_credits(given_back)} credits; "
        f"{len(swept.expired_lots)} expired grants ended with {format_credits(broken)}"
    )
    return Said(value=value, text=text)


async def backup(desk: Desk, settings: Settings, args: Namespace) -> Said:
    """`backup`: the books, but not the master key, which must be kept elsewhere."""
    try:
        await desk.storage.backup(args.file)
    except FileExistsError as error:
        raise Complaint(f"{error.filename or args.file} is there already; name a file that is not") from None
    except OSError as error:
        raise Complaint(f"{args.file} cannot be written: {error.strerror or error}") from None
    text = f"wrote {args.file}; the master key is not in it, so keep a copy of that elsewhere"
    return Said(value={"file": args.file}, text=text)


def show_config(rows: Sequence[Effective]) -> Said:
    """`config show`; secrets are masked."""
    cells = [(row.name, row.value, row.origin, row.meaning) for row in rows]
    return Said(value=list(rows), text=table(("SETTING", "VALUE", "ORIGIN", "MEANING"), cells, ""))


def _call(report: reports.CallReport) -> dict[str, object]:
    call = report.call
    return {
        "id": call.id,
        "user": report.user,
        "key_id": call.key_id,
        "dialect": call.dialect,
        "model": call.model,
        "stream": call.stream,
        "ending": call.ending,
        "incomplete": report.incomplete,
        "error": call.error,
        "started": moment(call.started_ms),
        "ended": moment(call.ended_ms),
        "duration_ms": _since(call.started_ms, call.ended_ms),
        "first_byte_ms": call.first_byte_ms,
        "provider": call.provider,
        "provider_model": call.provider_model,
        "credential_id": call.credential_id,
        "attempts": [_attempt(attempt) for attempt in call.attempts],
        "usage": msgspec.structs.asdict(call.usage) if call.usage else None,
        "usage_source": call.usage_source,
        "size": call.size,
        "quality": call.quality,
        "billed": call.billed,
        "charge": format_credits(call.charge_nanos),
        "hold": format_credits(call.hold_nanos),
        "uncollected": format_credits(call.uncollected_nanos),
        "rate_id": call.rate_id,
        "service_tier": call.service_tier,
        "cost_usd": _cost(call.cost_nanos),
        "price_id": call.price_id,
        "cost_unknown": report.cost_unknown,
        "idempotency_key": call.idempotency_key,
        "process": call.owner,
    }


def _attempt(attempt: AttemptRecord) -> dict[str, object]:
    said = msgspec.structs.asdict(attempt)
    cost_nanos = said.pop("cost_nanos")
    return {**said, "cost_usd": _cost(cost_nanos)}


def _cost(nanos: int | None) -> str | None:
    """Dollars, exactly; nothing where the cost is unknown."""
    return None if nanos is None else format_credits(nanos)


def _since(start_ms: int, end_ms: int | None) -> int | None:
    return None if end_ms is None else end_ms - start_ms


def _in_and_out(report: reports.CallReport) -> tuple[int | None, int | None]:
    usage = report.call.usage
    if usage is None:
        return None, None
    read = usage.input_tokens + usage.input_audio_tokens + usage.cache_read_tokens
    written = usage.cache_write_tokens + usage.cache_write_1h_tokens
    return read + written, usage.output_tokens + usage.output_audio_tokens + usage.reasoning_tokens


def _progress() -> Callable[[str], None]:
    """Tell how far a long work is, to somebody who watches."""
    if not sys.stderr.isatty():
        return lambda _: None
    return lambda done: print(f"\r{done}", end="\r", file=sys.stderr, flush=True)
