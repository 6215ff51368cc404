"""The calls of an AIGNE Hub, in a table of their own: its log, and no credit of this hub.

Its ids are kept, so a call is taken over once, however often the file is imported.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from domain.books.management_scopes import ImportedCallScope
from domain.books.rows import ImportedCall, Row
from domain.pricing.money import NANOS_PER_CREDIT
from domain.usage import PIECES_MAX, UNITS_MAX, Usage
from entrypoints.usecases.manage.imports.aigne import SOURCE, as_json
from entrypoints.usecases.management_context import ManagementContext
from ports.aigne import AigneBooks, ForeignRow

BATCH = 500
_OPERATIONS = {
    "chatCompletion": "chat", "embedding": "embeddings", "imageGeneration": "images", "audioGeneration": "audio",
}  # fmt: skip
_ERROR_CHARACTERS_MAX = 1_000


class CallsTaken(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one batch: the rows that are new. A dry run writes none of them."""

    new: tuple[ImportedCall, ...]
    writes: tuple[Row, ...] = ()


async def take_calls(
    hub: ManagementContext, books: AigneBooks, names: dict[str, str], report: Callable[[int], None]
) -> int:
    """Take the calls over that are not there yet, batch by batch; how many they were. `names` are of providers."""
    return await _each_batch(hub, books, names, report, lambda new: CallsTaken(new=new, writes=new))


async def count_calls(
    hub: ManagementContext, books: AigneBooks, names: dict[str, str], report: Callable[[int], None]
) -> int:
    """How many calls would be taken over."""
    return await _each_batch(hub, books, names, report, lambda new: CallsTaken(new=new))


async def _each_batch(
    hub: ManagementContext,
    books: AigneBooks,
    names: dict[str, str],
    report: Callable[[int], None],
    outcome: Callable[[tuple[ImportedCall, ...]], CallsTaken],
) -> int:
    taken = seen = 0
    for rows in books.calls(BATCH):
        batch = [call_of(row, names) for row in rows]

        def rule(known: frozenset[str], batch: list[ImportedCall] = batch) -> CallsTaken:
            return outcome(tuple(call for call in batch if call.id not in known))

        decided = await hub.storage.decide(ImportedCallScope(ids=tuple(call.id for call in batch)), rule)
        taken, seen = taken + len(decided.new), seen + len(rows)
        report(seen)
    return taken


def call_of(row: ForeignRow, names: dict[str, str]) -> ImportedCall:
    """A call as its log has it; what is no number there is not known."""
    kind = str(row.get("type") or "")
    return ImportedCall(
        id=f"{SOURCE}:{row['id']}",
        source=SOURCE,
        caller=str(row.get("userDid") or ""),
        app=_text(row.get("appDid")),
        provider=names.get(str(row.get("providerId"))),
        model=str(row.get("model") or ""),
        operation=_OPERATIONS.get(kind, kind),
        status=str(row.get("status") or ""),
        started_ms=_scaled(row.get("callTime"), 1_000) or 0,
        duration_ms=_scaled(row.get("duration"), 1_000),
        first_byte_ms=_scaled(row.get("ttfb"), 1),
        usage=_usage(row, kind),
        credits_nanos=_scaled(row.get("credits"), NANOS_PER_CREDIT),
        error=(_text(row.get("errorReason")) or "")[:_ERROR_CHARACTERS_MAX] or None,
        request_id=_text(row.get("requestId")),
        trace_id=_text(row.get("traceId")),
    )


def _usage(row: ForeignRow, kind: str) -> Usage | None:
    metrics = as_json(row.get("usageMetrics"))
    if not isinstance(metrics, dict):
        return None
    return Usage(
        input_tokens=_count(metrics.get("inputTokens"), UNITS_MAX),
        output_tokens=_count(metrics.get("outputTokens"), UNITS_MAX),
        cache_read_tokens=_count(metrics.get("cacheReadInputTokens"), UNITS_MAX),
        cache_write_tokens=_count(metrics.get("cacheCreationInputTokens"), UNITS_MAX),
        images=_count(metrics.get("numberOfImageGeneration"), PIECES_MAX),
        video_seconds=_count(row.get("totalUsage"), PIECES_MAX) if kind == "video" else 0,
    )


def _count(given: Any, most: int) -> int:
    return min(most, _scaled(given, 1) or 0)


def _scaled(given: Any, scale: int) -> int | None:
    """A number of at least zero at eight decimals, times the scale; SQLite keeps decimals as binary fractions."""
    if isinstance(given, bool) or not isinstance(given, int | float | str) or given == "":
        return None
    try:
        number = Decimal(f"{given:.8f}" if isinstance(given, float) else str(given)) * scale
    except ArithmeticError:
        return None
    return int(number) if number.is_finite() and 0 <= number < 2**63 else None


def _text(given: Any) -> str | None:
    return str(given) if given else None
