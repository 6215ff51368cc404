"""Random calls over keys with every kind of limit, on four processes, against a model that is exact at every instant.

Callers draw users, keys, runs and output caps at random and ask all at once. Afterwards the model goes through the
journal in the order in which it was written: each hold and each settlement. Between any two of them no wallet, budget
or purse had spent and held more than it has, no limit of open calls had one more, and no limit of requests or tokens
had let one more pass.
"""

import asyncio
import random
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from domain.books.ids import unpacked
from domain.pricing.money import format_credits
from tests.support.figures import Figures
from tests.support.hub import HubProcess, running_hub
from tests.system.raw_client import OPENAI, connected, received_on
from tests.system.users import Person, person

pytestmark = pytest.mark.anyio

WORKERS, CALLERS = 4, 24
CAPS = (5, 40, 100)
CONTEXT = 1_000
BOUND = CONTEXT * 1_000 + max(CAPS) * 2_000
HOLD, CAPTURE, RELEASE = 2, 3, 4
WINDOW_MS = 31 * 86_400_000
# A hold, its capture and its release, with what the call log says of the call, in the order of writing.
_LINES = """select written.kind, amount_nanos, at_ms, written.cause, user_id, key_id, run_id, usage
    from written join journal using (cause, kind, step) left join calls on calls.id = written.cause
    where written.kind in (2, 3, 4) order by n"""


class Ceiling(msgspec.Struct, frozen=True, kw_only=True):
    """What a subject may take: `measure` is money (spent and held), open calls, requests, or tokens."""

    measure: str
    amount: int

    def at(self, elapsed_ms: int) -> int:
        """The amount, with what has come back of a limit of requests or tokens."""
        is_rate = self.measure in ("requests", "tokens")
        return self.amount + (elapsed_ms * self.amount // WINDOW_MS if is_rate else 0)


class Taken(msgspec.Struct):
    """What a subject has taken at an instant."""

    money: int = 0
    open: int = 0
    requests: int = 0
    tokens: int = 0


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubProcess]:
    with running_hub(tmp_path / "data", workers=WORKERS) as running:
        running.cli("provider", "add", "echo")
        running.cli("rate", "set", "echo/echo", "--input", "1", "--output", "2", "--context", str(CONTEXT))
        yield running
        verified = running.cli("ledger", "verify")
        assert (True, 0) == (verified["ok"], verified["open_holds"])
        assert running.cli("stats", "verify")["ok"]


@pytest.mark.parametrize("calls", [600, pytest.param(100_000, marks=pytest.mark.soak)])
async def test_no_limit_budget_purse_or_wallet_is_ever_exceeded(hub: HubProcess, figures: Figures, calls: int) -> None:
    scale = calls // 600
    people = [person(hub, f"user-{n}", (60 - 10 * n) * scale * BOUND) for n in range(6)]
    ceilings = limited(hub, people, scale)
    chance = random.Random(calls)
    answered = await called(hub, people, calls, chance)

    taken, problems = passed_through(hub.data_dir / "aikit.db", ceilings)

    assert [] == problems[:5]
    assert calls == sum(answered.values())
    assert set(answered) <= {"ok", "rate_limited", "budget_exceeded", "run_purse_spent", "insufficient_quota"}
    assert len(answered) == 5, "every kind of limit was met"
    assert answered["ok"] == sum(one.requests for subject, one in taken.items() if subject[0] == "user_id")
    figures.add({"calls against limits": calls, "calls that limits admitted": answered["ok"]})


def limited(hub: HubProcess, people: list[Person], scale: int) -> dict[tuple[str, str], list[Ceiling]]:
    """Set limits of every kind; the ceilings by what they are of."""
    found: defaultdict[tuple[str, str], list[Ceiling]] = defaultdict(list)
    for n, one in enumerate(people):
        found["user_id", one.id].append(Ceiling(measure="money", amount=(60 - 10 * n) * scale * BOUND))
    a, b, c, d, e, _ = people
    for who, field, given in ((a, "user_id", ("--user", a.name)), (b, "key_id", ("--key", b.key_id))):
        subject = (field, who.id if field == "user_id" else who.key_id)
        hub.cli("budget", "set", "--amount", format_credits(17 * scale * BOUND), "--period", "total", *given)
        found[subject].append(Ceiling(measure="money", amount=17 * scale * BOUND))
    hub.cli("limit", "set", "--measure", "concurrency", "--amount", "2", "--key", c.key_id)
    found["key_id", c.key_id].append(Ceiling(measure="open", amount=2))
    # So many in 31 days: in a short trial none comes back, in a long one some.
    hub.cli("limit", "set", "--measure", "requests", "--amount", str(25 * scale), "--per", "31d", "--user", d.name)
    found["user_id", d.id].append(Ceiling(measure="requests", amount=25 * scale))
    hub.cli("limit", "set", "--measure", "tokens", "--amount", str(4_000 * scale), "--per", "31d", "--user", e.name)
    found["user_id", e.id].append(Ceiling(measure="tokens", amount=4_000 * scale))
    for who in people:
        hub.cli("run", "set", "shared", "--user", who.name, "--purse", format_credits(4 * scale * BOUND))
        found["run", f"{who.id} shared"].append(Ceiling(measure="money", amount=4 * scale * BOUND))
    return found


async def called(hub: HubProcess, people: list[Person], calls: int, chance: random.Random) -> Counter[str]:
    """Send so many random calls, from many callers at once; how each ended."""
    left = iter(range(calls))
    answered: Counter[str] = Counter()

    async def caller() -> None:
        async with connected(hub.port) as line:
            for _ in left:
                who = chance.choice(people)
                words = "word " * chance.choice((10, 400, 800))
                body = {"model": "echo/echo", "max_tokens": chance.choice(CAPS), "stream": chance.random() < 0.3}
                body["messages"] = [{"role": "user", "content": words}]
                headers = {"x-aihub-run": "shared"} if chance.random() < 0.3 else {}
                one = await received_on(line, OPENAI, who.key, msgspec.json.encode(body), headers)
                answered["ok" if one.status == 200 else one.error()["code"]] += 1

    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    return answered


def passed_through(
    books: Path, ceilings: dict[tuple[str, str], list[Ceiling]]
) -> tuple[dict[tuple[str, str], Taken], list[str]]:
    """What every subject has taken in the end, and each instant at which it was over a ceiling."""
    taken: defaultdict[tuple[str, str], Taken] = defaultdict(Taken)
    settled: Counter[bytes] = Counter()
    opened: set[bytes] = set()
    problems: list[str] = []
    began_ms = 0
    for kind, nanos, at_ms, cause, user, key, run, usage in lines(books):
        began_ms = began_ms or at_ms
        elapsed_ms = at_ms - began_ms
        subjects = [("user_id", user), ("key_id", key), *([("run", f"{user} {run}")] if run else [])]
        is_first = cause not in opened
        opened.add(cause)
        is_end = kind != HOLD and not settled[cause]
        settled[cause] += kind != HOLD
        used = msgspec.json.decode(usage)
        for subject in subjects:
            one = taken[subject]
            if kind == HOLD and is_first:
                if any(
                    each.measure == "tokens" and one.tokens >= each.at(elapsed_ms) for each in ceilings.get(subject, ())
                ):
                    problems.append(f"{subject}: a call was let in after {one.tokens} tokens")
                one.requests += 1
                one.open += 1
            if is_end:
                one.open -= 1
                one.tokens += used.get("input_tokens", 0) + used.get("output_tokens", 0)
            one.money += {HOLD: nanos, CAPTURE: 0, RELEASE: -nanos}[kind]
            for each in ceilings.get(subject, ()):
                if each.measure != "tokens" and getattr(one, each.measure) > each.at(elapsed_ms):
                    problems.append(f"{subject}: {getattr(one, each.measure)} {each.measure} of {each.amount}")
    return taken, problems


def lines(books: Path) -> Iterator[tuple[int, int, int, bytes, str, str, str | None, str]]:
    """The lines of calls in the order of writing."""
    with closing(sqlite3.connect(f"file:{books}?mode=ro", uri=True)) as connection:
        for kind, nanos, at_ms, cause, user, key, run, usage in connection.execute(_LINES):
            yield kind, nanos, at_ms, cause, unpacked_id(user, "user"), unpacked_id(key, "key"), run, usage


def unpacked_id(value: object, kind: str) -> str:
    """The id as commands show it."""
    return unpacked(value, kind) if isinstance(value, bytes) else str(value)
