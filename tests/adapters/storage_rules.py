"""Small rules and rows for the tests of storage: what matters is that they are pure, not that they are wise."""

from collections.abc import Callable
from typing import Any

import msgspec

from domain.accounts.rows import ApiKey, Member, User
from domain.books.management_scopes import UserScope
from domain.books.rows import AuditEntry, Call, Hold, Row, call_of
from domain.books.scopes import CallFacts, CallScope, SettleFacts, SettleScope
from domain.catalog.aliases import Alias, AliasTarget
from domain.catalog.rows import Credential, ProviderRow
from domain.ledger.rows import Adjustment, Grant, HoldLine, Transfer
from domain.pricing.rate import Rate
from ports.books import Snapshot, Storage


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """Any decision; `shown` is the facts that it was made on."""

    writes: tuple[Row, ...] = ()
    shown: Any = None


def write(*rows: Row) -> Callable[[object], Decided]:
    """A rule that writes these rows whatever it is shown."""
    return lambda facts: Decided(writes=rows, shown=facts)


def look(facts: object) -> Decided:
    """A rule that writes nothing."""
    return Decided(shown=facts)


def a_user(n: int = 1, **changes: Any) -> User:
    return msgspec.structs.replace(User(id=f"user-{n}", name=f"name-{n}", role="guest", created_ms=n), **changes)


def a_team(n: int = 1, **changes: Any) -> User:
    team = User(id=f"team-{n}", name=f"team:name-{n}", role="guest", created_ms=n, kind="team")
    return msgspec.structs.replace(team, **changes)


def a_member(n: int = 1, **changes: Any) -> Member:
    member = Member(team_id=f"team-{n}", user_id="user-1", is_admin=False, created_ms=n)
    return msgspec.structs.replace(member, **changes)


def a_key(n: int = 1, **changes: Any) -> ApiKey:
    key = ApiKey(
        id=f"key-{n}", user_id=f"user-{n}", name="laptop", fingerprint=f"print-{n}", prefix="ahk_1", created_ms=n
    )
    return msgspec.structs.replace(key, **changes)


def a_grant(n: int = 1, nanos: int = 100, **changes: Any) -> Grant:
    grant = Grant(
        id=f"grant-{n}",
        user_id="user-1",
        amount_nanos=nanos,
        available_nanos=nanos,
        held_nanos=0,
        priority=0,
        effective_ms=0,
        expires_ms=None,
        created_ms=n,
        source="test",
    )
    return msgspec.structs.replace(grant, **changes)


def a_hold(call_id: str = "call-1", **changes: Any) -> Hold:
    hold = Hold(
        id=call_id,
        user_id="user-1",
        key_id="key-1",
        dialect="openai",
        model="small",
        stream=False,
        billed=True,
        started_ms=1_000,
        deadline_ms=2_000,
        owner="process-1",
        hold_nanos=10,
        hold_lines=(HoldLine("grant-1", 10),),
    )
    return msgspec.structs.replace(hold, **changes)


def a_call(call_id: str = "call-1", **changes: Any) -> Call:
    """The call of `a_hold`, lost."""
    call = call_of(a_hold(call_id), owner=None, ending="lost", ended_ms=9)
    return msgspec.structs.replace(call, **changes)


def a_transfer(cause: str = "grant-1", **changes: Any) -> Transfer:
    """The line of a grant."""
    line = Transfer(cause=cause, kind="grant", grant_id=cause, amount_nanos=100, at_ms=1)
    return msgspec.structs.replace(line, **changes)


def an_adjustment(call_id: str = "call-1", **changes: Any) -> Adjustment:
    made = Adjustment(
        id=f"{call_id}:adjustment:rate-2",
        call_id=call_id,
        rate_id="rate-2",
        amount_nanos=3,
        owed_nanos=0,
        at_ms=9,
        lines=(HoldLine("grant-1", 3),),
    )
    return msgspec.structs.replace(made, **changes)


def a_provider(name: str = "acme", **changes: Any) -> ProviderRow:
    row = ProviderRow(name=name, dialect="openai", base_url="https://acme.test/v1", created_ms=1)
    return msgspec.structs.replace(row, **changes)


def a_credential(n: int = 1, **changes: Any) -> Credential:
    row = Credential(
        id=f"credential-{n}",
        provider="acme",
        name="main",
        sealed=b"\x00sealed\xff",
        masked="sk-1…9",
        weight=1,
        created_ms=n,
    )
    return msgspec.structs.replace(row, **changes)


def a_rate(n: int = 1, **changes: Any) -> Rate:
    row = Rate(id=f"rate-{n}", provider="acme", model="small", effective_ms=n, known_ms=n, source="test")
    return msgspec.structs.replace(row, **changes)


def an_alias(n: int = 1, **changes: Any) -> Alias:
    row = Alias(
        id=f"alias-{n}",
        name="fast",
        strategy="round-robin",
        targets=(AliasTarget(model="acme/small", weight=2), AliasTarget(model="large", priority=1)),
        known_ms=n,
    )
    return msgspec.structs.replace(row, **changes)


def an_entry(n: int = 1) -> AuditEntry:
    return AuditEntry(id=f"entry-{n}", at_ms=n, actor="ada", action="user add", subject=f"name-{n}")


def hold(call_id: str, nanos: int = 10) -> Callable[[CallFacts], Decided]:
    """Hold from the one grant with the most credit, if it has as much."""

    def rule(facts: CallFacts) -> Decided:
        grant = max(facts.grants, key=lambda grant: grant.available_nanos, default=None)
        if facts.key is None or facts.key.revoked_ms is not None or grant is None or grant.available_nanos < nanos:
            return Decided(shown=facts)
        left, held = grant.available_nanos - nanos, grant.held_nanos + nanos
        return Decided(
            shown=facts,
            writes=(
                msgspec.structs.replace(grant, available_nanos=left, held_nanos=held),
                a_hold(call_id, hold_nanos=nanos, hold_lines=(HoldLine(grant.id, nanos),)),
                a_transfer(call_id, kind="hold", grant_id=grant.id, amount_nanos=nanos),
            ),
        )

    return rule


def capture(facts: SettleFacts) -> Decided:
    """Capture the whole hold of a call that still runs."""
    held = facts.hold
    if held is None:
        return Decided(shown=facts)
    (grant,) = facts.grants
    nanos = held.hold_nanos
    return Decided(
        shown=facts,
        writes=(
            msgspec.structs.replace(grant, held_nanos=grant.held_nanos - nanos),
            call_of(held, owner=None, ending="completed", complete=True, ended_ms=1_500, charge_nanos=nanos),
            a_transfer(held.id, kind="capture", grant_id=None, amount_nanos=nanos),
        ),
    )


def settle_scope(call_id: str) -> SettleScope:
    return SettleScope(call_id=call_id, user_id="user-1")


async def open_account(storage: Storage, nanos: int = 100) -> None:
    """One user with one key and one lot of `nanos`."""
    rows = (a_user(), a_key(), a_grant(nanos=nanos), a_transfer(amount_nanos=nanos))
    await storage.decide(UserScope(name="name-1"), write(*rows))


async def hold_one(storage: Storage, call_id: str, nanos: int = 10) -> bool:
    """Whether the hold was made."""
    decided = await storage.decide(CallScope(fingerprint="print-1"), hold(call_id, nanos))
    return bool(decided.writes)


async def capture_one(storage: Storage, call_id: str) -> bool:
    """Whether there was a hold to capture."""
    return bool((await storage.decide(settle_scope(call_id), capture)).writes)


async def everything(snapshot: Snapshot) -> dict[str, list[Any]]:
    return {
        "transfers": [row async for row in snapshot.transfers()],
        "grants": [row async for row in snapshot.grants()],
        "holds": [row async for row in snapshot.holds()],
        "calls": [row async for row in snapshot.calls()],
        "rates": [row async for row in snapshot.rates()],
    }


async def books(storage: Storage) -> dict[str, Any]:
    async with storage.snapshot() as snapshot:
        rows: dict[str, Any] = await everything(snapshot)
    rows |= {"teams": await storage.teams(), "members": await storage.members()}
    rows |= {"users": await storage.users(), "keys": await storage.keys(), "audit": await storage.audit(100)}
    return rows | {"catalog": await storage.catalog()}
