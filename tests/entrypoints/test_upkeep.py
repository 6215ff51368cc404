"""Upkeep: the sweep gives back what the dead held and nothing else, the first start is one, the proof can fail."""

import asyncio
from functools import partial
from pathlib import Path

import msgspec
import pytest

from adapters.storage.memory import MemoryStorage
from adapters.storage.sqlite import SqliteStorage
from adapters.system import FlockLiveness, RandomIds, SystemClock
from adapters.vault import MasterKeyVault
from domain.books import ApiKey, Call, HoldLine, Lot, Row, User
from domain.ledger import balance, grant, hold
from domain.management import Changed
from domain.scopes import ProviderScope, UserFacts, UserScope
from domain.sweep import GRACE_MS
from domain.verification import Difference, Totals
from entrypoints.usecases import credit, providers, rates, users
from entrypoints.usecases.desk import Operator
from entrypoints.usecases.first_run import OWNER, first_run, found, prepare
from entrypoints.usecases.upkeep import sweep, verify
from ports.environment import Clock, Liveness
from ports.storage import Storage

pytestmark = pytest.mark.anyio

CANARY = "sk-canary-0123456789-abcdefghij"
CREDIT = 1_000_000_000


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Register(Liveness):
    """Knows of each process whether it is dead."""

    def __init__(self, *dead: str) -> None:
        self._dead = dead

    def own(self) -> str:
        return "me"

    def is_gone(self, owner: str) -> bool:
        return owner in self._dead


class At(Clock):
    """A clock that stands."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic_us(self) -> int:
        return 0


class Write(msgspec.Struct, frozen=True):
    writes: tuple[Row, ...]


def a_desk(storage: Storage | None = None, clock: Clock | None = None, vault: MasterKeyVault | None = None) -> Operator:
    return Operator(
        storage=storage or MemoryStorage(),
        vault=vault or MasterKeyVault([bytes(32)]),
        clock=clock or SystemClock(),
        ids=RandomIds(),
        liveness=FlockLiveness(Path("/nowhere")),
    )


async def ada_with(storage: Storage, *lots: Lot, calls: int = 0, owner: str = "w1", hold_nanos: int = 10) -> None:
    """Ada, her lots, and so many open calls of `owner`, which hold from the first lot."""
    user = User(id="ada", name="ada", role="guest", created_ms=0)
    key = ApiKey(id="key", user_id="ada", name="", fingerprint="f", prefix="p", created_ms=0)
    granted: list[Row] = []
    for lot in lots:
        granted += [lot, *grant(lot).transfers]
    await storage.decide(UserScope(name="ada"), lambda _: Write((user, key, *granted)))
    await start_calls(storage, calls, owner, hold_nanos)


async def start_calls(storage: Storage, calls: int, owner: str, hold_nanos: int = 10) -> None:
    for n in range(calls):
        await storage.decide(UserScope(name="ada"), partial(started, f"{owner}-{n:05}", owner, hold_nanos))


def started(call_id: str, owner: str, hold_nanos: int, facts: UserFacts) -> Write:
    return Write(open_call(facts.lots[0], call_id, owner, hold_nanos))


def a_lot(nanos: int = CREDIT, lot_id: str = "lot", expires_ms: int | None = None) -> Lot:
    return Lot(
        id=lot_id, user_id="ada", amount_nanos=nanos, available_nanos=nanos, held_nanos=0, priority=1,
        effective_ms=0, expires_ms=expires_ms, created_ms=0, source="test",
    )  # fmt: skip


def open_call(lot: Lot, call_id: str, owner: str, nanos: int, deadline_ms: int = 10_000) -> tuple[Row, ...]:
    moves = hold([lot], call_id, nanos, 1)
    call = Call(
        id=call_id, user_id="ada", key_id="key", dialect="openai", model="m", stream=False, billed=True, started_ms=1,
        deadline_ms=deadline_ms, owner=owner, hold_nanos=nanos, hold_lines=(HoldLine(lot.id, nanos),),
    )  # fmt: skip
    return (*moves.lots, call, *moves.transfers)


async def held(storage: Storage) -> int:
    return balance(await storage.wallet("ada"), 5).held_nanos


async def test_a_sweep_gives_back_what_the_dead_held_and_leaves_the_living_alone() -> None:
    storage = MemoryStorage()
    await ada_with(storage, a_lot(), calls=3, owner="dead")
    await start_calls(storage, 1, "alive", hold_nanos=7)

    swept = await sweep(storage, Register("dead"), At(5))

    assert sorted(call.id for call in swept.lost) == ["dead-00000", "dead-00001", "dead-00002"]
    assert await held(storage) == 7
    assert isinstance(await verify(storage), Totals)
    assert (await sweep(storage, Register("dead"), At(5))).lost == ()


async def test_a_call_past_its_deadline_and_grace_is_lost_though_its_process_lives() -> None:
    storage = MemoryStorage()
    await ada_with(storage, a_lot(), calls=1, owner="alive")

    assert (await sweep(storage, Register(), At(10_000 + GRACE_MS - 1))).lost == ()
    (lost,) = (await sweep(storage, Register(), At(10_000 + GRACE_MS))).lost

    call = await storage.call(lost.id)
    assert call is not None
    assert call.ending == "lost"
    assert "deadline" in (call.error or "")


async def test_a_sweep_goes_on_until_nothing_is_left_also_behind_a_batch_of_the_living() -> None:
    storage = MemoryStorage()
    await ada_with(storage, a_lot(), calls=600, owner="alive")
    await start_calls(storage, 700, "dead")

    swept = await sweep(storage, Register("dead"), At(5))

    assert len(swept.lost) == 700
    assert await held(storage) == 600 * 10


async def test_credit_past_its_expiry_becomes_breakage_once() -> None:
    storage = MemoryStorage()
    await ada_with(storage, a_lot(50, "old", expires_ms=4), a_lot(50, "young"))

    first = await sweep(storage, Register(), At(5))
    second = await sweep(storage, Register(), At(6))

    assert [lot.id for lot in first.expired_lots] == ["old"]
    assert second.expired_lots == ()
    totals = await verify(storage)
    assert isinstance(totals, Totals)
    assert (totals.breakage_nanos, totals.available_nanos) == (50, 50)


async def test_the_proof_names_the_first_thing_that_does_not_add_up() -> None:
    storage = MemoryStorage()
    await ada_with(storage, a_lot(50))
    forged = msgspec.structs.replace(a_lot(50), available_nanos=49)
    await storage.decide(UserScope(name="ada"), lambda _: Write((forged,)))

    difference = await verify(storage)

    assert isinstance(difference, Difference)
    assert (difference.subject, difference.booked, difference.derived) == ("lot", "49", "50")


async def test_the_first_start_makes_an_owner_with_a_key_and_credit_and_a_provider_that_answers() -> None:
    desk = a_desk()

    started = await first_run(desk, None)

    assert started.fresh
    assert started.key is not None
    caller = await desk.storage.caller(desk.vault.fingerprint(started.key))
    assert caller is not None
    assert (caller[1].name, caller[1].role) == (OWNER, "owner")
    wallet = await credit.wallet(desk, OWNER)
    assert isinstance(wallet, credit.Wallet)
    assert wallet.balance.available_nanos == 5 * CREDIT
    assert [lot.source for lot in wallet.lots] == ["starter"]
    (sold,) = await rates.rates(desk)
    assert (sold.provider.name, sold.model, sold.provider.base_url) == ("echo", "echo", "echo://local")


async def test_later_starts_change_nothing_and_bring_nothing_back() -> None:
    desk = a_desk()
    await first_run(desk, None)
    await rates.delete_rate(desk, "test", "echo/echo")
    await providers.delete_provider(desk, "test", "echo")

    again = await first_run(desk, None)

    assert (again.fresh, again.key) == (False, None)
    assert await rates.rates(desk) == []
    assert await providers.providers(desk.storage) == []
    assert len(await desk.storage.keys()) == 1
    assert len(await desk.storage.users()) == 1


async def test_starts_at_once_in_several_processes_make_one_hub(tmp_path: Path) -> None:
    path = tmp_path / "books.db"
    vault = MasterKeyVault([bytes(32)])
    async with await SqliteStorage.open(path) as one, await SqliteStorage.open(path) as other:
        desks = [a_desk(storage, vault=vault) for storage in (one, other, one, other)]

        started = await asyncio.gather(*(first_run(desk, None) for desk in desks))

        keys = [start.key for start in started if start.key]
        assert len(keys) == 1
        assert len(await one.keys()) == 1
        assert [user.name for user in await one.users()] == [OWNER]
        assert len(await one.wallet((await one.users())[0].id)) == 1
        assert isinstance(await verify(one), Totals)


async def test_a_given_key_becomes_the_owner_s_at_any_start_but_a_revoked_one_stays_revoked() -> None:
    desk = a_desk()
    await first_run(desk, None)

    given = await first_run(desk, "given-owner-key-1")
    assert (given.fresh, given.key) == (True, None)
    (row,) = [key for key in await desk.storage.keys() if key.name == "AIHUB_OWNER_KEY"]
    assert not (await first_run(desk, "given-owner-key-1")).fresh
    await users.revoke(desk, "test", row.id)

    again = await first_run(desk, "given-owner-key-1")

    assert again.given_key_revoked
    assert len(await desk.storage.keys()) == 2


async def test_vendors_keys_register_once_and_what_was_removed_stays_removed() -> None:
    desk = a_desk()
    keys = {"OPENAI_API_KEY": (CANARY, CANARY + "2"), "ANTHROPIC_API_KEY": ()}

    first = await providers.register_vendor_keys(desk, "test", keys)
    again = await providers.register_vendor_keys(desk, "test", keys)

    assert [row.name for row in first] == ["env OPENAI_API_KEY #1", "env OPENAI_API_KEY #2"]
    assert again == []
    assert [row.name for row in await providers.providers(desk.storage)] == ["openai"]
    await providers.delete_credential(desk, "test", first[0].id)
    assert await providers.register_vendor_keys(desk, "test", {"OPENAI_API_KEY": (CANARY,)}) == []
    (kept,) = await providers.credentials(desk.storage)
    assert desk.vault.unseal(kept.sealed, f"credential:{kept.id}") == (CANARY + "2").encode()


async def test_a_start_under_another_server_prepares_all_but_a_key_that_nobody_would_see() -> None:
    desk = a_desk()

    await prepare(desk, None, {"OPENAI_API_KEY": (CANARY,)})

    assert await desk.storage.keys() == []
    assert [row.name for row in await providers.providers(desk.storage)] == ["echo", "openai"]
    assert (await first_run(desk, None)).fresh


async def test_every_change_is_in_the_audit_log_without_a_secret() -> None:
    desk = a_desk()
    await found(desk)
    await users.create_user(desk, "cli:ada", "bob", "guest", users.Starter(nanos=5))
    minted = await users.create_key(desk, "cli:ada", "bob", "")
    assert isinstance(minted, users.Minted)
    await providers.create_credential(desk, "cli:ada", "echo", CANARY)

    log = await desk.storage.audit(10)

    assert [entry.action for entry in log[:4]] == ["credential add", "key create", "credit grant", "user add"]
    assert all(entry.actor == "cli:ada" for entry in log[:4])
    assert CANARY not in str(log)
    assert minted.text not in str(log)


async def test_a_newer_rate_follows_an_older_one_though_the_clock_stands() -> None:
    desk = a_desk(clock=At(1_000))
    await found(desk)
    for n in range(5):
        outcome = await rates.put_rate(desk, "test", "echo/echo", rates.Prices(input_nanos=n, output_nanos=n))
        assert isinstance(outcome, Changed)

    class Latest(msgspec.Struct, frozen=True):
        effective: tuple[int, ...]
        writes: tuple[Row, ...] = ()

    versions = await desk.storage.decide(
        ProviderScope(name="echo"), lambda facts: Latest(tuple(rate.effective_ms for rate in facts.rates))
    )

    assert versions.effective == tuple(sorted(set(versions.effective)))


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://api.example.com/v1", True),
        ("http://127.0.0.1:11434/v1/", True),
        ("http://[::1]:8000", True),
        ("http://192.168.1.7", True),
        ("echo://local", True),
        ("ftp://example.com", False),
        ("//example.com", False),
        ("https://", False),
        ("https://user:pass@example.com", False),
        ("https://example.com/v1?key=x", False),
        ("https://example.com/#x", False),
        ("https://exam ple.com", False),
        ("https://example.com\n.evil", False),
        ("https://exämple.com", False),
        ("http://169.254.169.254/latest", False),
        ("http://2852039166", False),
        ("http://0xa9.0xfe.0xa9.0xfe", False),
        ("http://169.254.43518", False),
        ("http://[::ffff:169.254.169.254]", False),
        ("http://[fd00:ec2::254]", False),
        ("http://[fe80::1]", False),
        ("http://metadata.google.internal", False),
        ("http://METADATA.google.internal./", False),
        ("http://example.com:0", False),
        ("echo://elsewhere", False),
    ],
)
def test_a_base_url_is_where_a_provider_can_be(url: str, fine: bool) -> None:
    described = providers.describe_provider("local", "openai", url)

    assert described == ("openai", url.rstrip("/")) if fine else not isinstance(described, tuple)
