"""A month of calls, written into the SQLite books at once: what a busy hub has after a month, within seconds.

The rows are those that the calls would have left: the calls with their sums of usage, the lines of the journal, and
what is left of the grants. `aihub ledger verify` and `aihub stats verify` find no difference in them.
"""

import random
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from adapters.storage.sqlite.tables import CALLS, GRANTS, JOURNAL, KEYS, RATES, USAGE_SUMS
from domain.accounts.rows import ApiKey
from domain.books.ids import CALL, unpacked
from domain.books.rows import Call, Ending
from domain.books.statistics.sums import sum_of_call
from domain.books.statistics.usage_sum import UsageSum, added
from domain.ledger.rows import Grant, HoldLine, Transfer
from domain.model_api.call import AttemptRecord
from domain.pricing.charge import price
from domain.pricing.rate import Rate
from domain.pricing.tiers import Occasion
from domain.usage import Usage

DAY_MS = 86_400_000
_AT_ONCE = 5_000
_KINDS_OF_A_KEY = 4
_APPS: tuple[str | None, ...] = ("shop", "support-bot", "nightly", None)
_ENDINGS: tuple[Ending, ...] = ("completed",) * 46 + (
    "provider_failed",
    "client_disconnected",
    "timed_out",
    "completed",
)


class _Account(NamedTuple):
    key: ApiKey
    grant: Grant


class _Kind(NamedTuple):
    """Calls that are alike, apart from who made them and when."""

    rate: Rate
    usage: Usage
    charge_nanos: int
    attempts: tuple[AttemptRecord, ...]


def fill_month(books: Path, calls: int, until_ms: int, days: int = 30) -> None:
    """Add calls of the keys that exist to the models that are sold, spread over the days before `until_ms`.

    The newest grant of each key's user pays, so it must be large enough; a user without a grant makes no call.
    """
    draw = random.Random(calls)
    with sqlite3.connect(books, isolation_level=None) as connection:
        accounts, kinds = _accounts(connection), _kinds(connection, draw)
        sums: dict[tuple[str | int, ...], UsageSum] = {}
        spent: dict[str, int] = {}
        made = _calls(draw, accounts, kinds, calls, until_ms, days)
        connection.execute("begin")
        while some := [call for _, call in zip(range(_AT_ONCE), made, strict=False)]:
            CALLS.write(connection, some)
            JOURNAL.write(connection, [line for call in some for line in _lines(call)])
            for call in some:
                grant_id = call.hold_lines[0].grant_id
                spent[grant_id] = spent.get(grant_id, 0) + call.charge_nanos
                part = sum_of_call(call, "month")
                sums[part.key] = added(sums[part.key], part) if part.key in sums else part
        USAGE_SUMS.write(connection, [*sums.values()])
        grants = {one.grant.id: one.grant for one in accounts}
        GRANTS.write(connection, [_rest(grants[grant_id], nanos) for grant_id, nanos in spent.items()])
        connection.execute("commit")
    connection.close()


def _accounts(connection: sqlite3.Connection) -> list[_Account]:
    newest = {grant.user_id: grant for grant in GRANTS.read(connection, "from grants order by created_ms")}
    keys = KEYS.read(connection, "from api_keys order by created_ms, id")
    return [_Account(key, newest[key.user_id]) for key in keys if key.user_id in newest]


def _kinds(connection: sqlite3.Connection, draw: random.Random) -> list[_Kind]:
    kinds = []
    for rate in RATES.read(connection, "from rates where not removed order by seq"):
        for _ in range(5):
            usage = Usage(input_tokens=draw.randrange(20, 9_000), output_tokens=draw.randrange(1, 2_000))
            if draw.random() < 0.2:
                usage = msgspec.structs.replace(usage, cache_read_tokens=draw.randrange(1, 20_000))
            charge_nanos = price(usage, rate, Occasion(service=None, at_ms=0, size=None, quality=None)).total_nanos
            answered = AttemptRecord(
                provider=rate.provider, credential_id=None, outcome="answered", status=200, message="", duration_ms=900
            )
            kinds.append(_Kind(rate, usage, charge_nanos, (answered,)))
    return kinds


def _calls(
    draw: random.Random, accounts: Sequence[_Account], kinds: Sequence[_Kind], count: int, until_ms: int, days: int
) -> Iterator[Call]:
    """The calls from the oldest to the newest; each key is used with a few models and by one app or two."""
    step_ms = days * DAY_MS // count
    used = [draw.sample(kinds, min(len(kinds), _KINDS_OF_A_KEY)) for _ in accounts]
    for number in range(count):
        started_ms = until_ms - days * DAY_MS + number * step_ms
        place = min(draw.randrange(len(accounts)), draw.randrange(len(accounts)))
        kind = used[place][draw.randrange(len(used[place]))]
        app = _APPS[(place + (draw.random() < 0.2)) % len(_APPS)]
        yield _call(draw, accounts[place], kind, app, number, started_ms)


def _call(draw: random.Random, account: _Account, kind: _Kind, app: str | None, number: int, started_ms: int) -> Call:
    ending = _ENDINGS[draw.randrange(len(_ENDINGS))]
    is_answered = ending in ("completed", "client_disconnected")
    first_byte_ms = draw.randrange(80, 1_500)
    hold_nanos = kind.charge_nanos * 2 + 1
    return Call(
        id=unpacked(started_ms.to_bytes(6, "big") + number.to_bytes(10, "big"), CALL),
        user_id=account.key.user_id,
        key_id=account.key.id,
        dialect="openai",
        model=f"{kind.rate.provider}/{kind.rate.model}",
        stream=draw.random() < 0.6,
        billed=True,
        started_ms=started_ms,
        hold_nanos=hold_nanos,
        hold_lines=(HoldLine(account.grant.id, hold_nanos),),
        app=app,
        run_id=f"run-{number // 50}" if number % 5 == 0 else None,
        provider=kind.rate.provider if is_answered else None,
        provider_model=kind.rate.model if is_answered else None,
        rate_id=kind.rate.id if is_answered else None,
        attempts=kind.attempts if is_answered else (),
        ending=ending,
        complete=ending == "completed",
        ended_ms=started_ms + first_byte_ms + draw.randrange(10, 9_000),
        first_byte_ms=first_byte_ms if is_answered else None,
        usage=kind.usage if is_answered else None,
        usage_source="provider" if is_answered else None,
        charge_nanos=kind.charge_nanos if is_answered else 0,
        cost_nanos=kind.charge_nanos * 5 // 6 if is_answered else None,
        error=None if is_answered else "The provider did not answer.",
    )


def _lines(call: Call) -> Iterator[Transfer]:
    grant_id, ended_ms = call.hold_lines[0].grant_id, call.ended_ms or call.started_ms
    yield Transfer(cause=call.id, kind="hold", grant_id=grant_id, amount_nanos=call.hold_nanos, at_ms=call.started_ms)
    if call.charge_nanos:
        yield Transfer(cause=call.id, kind="capture", grant_id=None, amount_nanos=call.charge_nanos, at_ms=ended_ms)
    yield Transfer(
        cause=call.id,
        kind="release",
        grant_id=grant_id,
        amount_nanos=call.hold_nanos - call.charge_nanos,
        at_ms=ended_ms,
    )


def _rest(grant: Grant, spent_nanos: int) -> Grant:
    return msgspec.structs.replace(grant, available_nanos=grant.available_nanos - spent_nanos)
