"""An auditor who trusts nobody: reads the SQLite file with the standard library and adds up for itself.

It shares no code with the hub. What it proves of the journal, line by line in the order of writing, holds at every
instant that the journal has passed through: `tests/support/journal_order.py` writes that order down.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple


class Line(NamedTuple):
    """One line of the journal."""

    cause: str
    kind: str
    step: int
    source: str
    target: str
    nanos: int
    at_ms: int
    call_id: str | None


class CallRow(NamedTuple):
    """What the call log says of one call, as far as money goes."""

    id: str
    user_id: str
    ending: str | None
    complete: int
    hold: int
    charge: int
    uncollected: int
    usage_source: str | None
    idempotency_key: str | None
    rate_id: str | None
    provider: str | None
    owner: str | None  # of a lost call


class GrantRow(NamedTuple):
    """A grant and what is left of it."""

    id: str
    user_id: str
    amount: int
    available: int
    held: int
    expires_ms: int | None


class Price(NamedTuple):
    """What a version of a rate asks for a million tokens."""

    input_nanos: int
    output_nanos: int


_LINES = """select cause, kind, step, grant_id, amount_nanos, at_ms from written join journal using (cause, kind, step)
    order by n"""
_COUNT = "select count(*) from journal"
_CALLS = """select id, user_id, ending, complete, hold_nanos, charge_nanos, uncollected_nanos, usage_source,
    idempotency_key, rate_id, provider, owner from calls order by id"""
_HOLDS = "select id, user_id, null, 0, hold_nanos, 0, 0, null, idempotency_key, null, null, null from holds order by id"
_GRANTS = "select id, user_id, amount_nanos, available_nanos, held_nanos, expires_ms from grants"


# Each kind of line, by its number: where it moves credit from, and where to.
_KINDS = {
    1: ("grant", "issued", "grant"),
    2: ("hold", "grant", "held"),
    3: ("capture", "held", "revenue"),
    4: ("release", "held", "grant"),
    5: ("expire", "held", "grant"),
    6: ("breakage", "grant", "breakage"),
    7: ("adjustment", "grant", "revenue"),
    8: ("refund", "revenue", "grant"),
    9: ("forfeit", "revenue", "breakage"),
    10: ("void", "grant", "withdrawn"),
}
# Their cause is a grant; that of all others is a call.
OF_GRANTS = ("grant", "breakage", "void")
_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"


def _id(prefix: str, value: bytes) -> str:
    """The id that 16 bytes stand for: a prefix and 26 digits of five bits each."""
    number = int.from_bytes(value, "big")
    return f"{prefix}_{''.join(_DIGITS[number >> shift & 31] for shift in range(125, -1, -5))}"


def _line(cause: bytes, number: int, step: int, grant_id: bytes | None, nanos: int, at_ms: int) -> Line:
    name = _id("grant" if _KINDS[number][0] in OF_GRANTS else "call", cause)
    return line_of(name, number, step, _id("grant", grant_id) if grant_id else None, nanos, at_ms)


def line_of(cause: str, number: int, step: int, grant_id: str | None, nanos: int, at_ms: int) -> Line:
    """The line, from the columns of its row; `number` is that of its kind."""
    kind, source, target = _KINDS[number]
    accounts = {"held": f"held:{cause}", "grant": f"grant:{grant_id}" if grant_id else ""}
    source, target = accounts.get(source, source), accounts.get(target, target)
    return Line(cause, kind, step, source, target, nanos, at_ms, None if kind in OF_GRANTS else cause)


def _call(call_id: bytes, user_id: bytes | str, *rest: Any) -> CallRow:
    *others, rate_id, provider, owner = rest
    user = user_id if isinstance(user_id, str) else _id("user", user_id)
    return CallRow._make([_id("call", call_id), user, *others, rate_id and _id("rate", rate_id), provider, owner])


class Books(NamedTuple):
    """All that was read, as of one commit."""

    lines: list[Line]
    calls: dict[str, CallRow]
    grants: dict[str, GrantRow]

    def of_user(self, user_id: str) -> list[CallRow]:
        """The user's calls, oldest first."""
        return [call for call in self.calls.values() if call.user_id == user_id]

    def available_over_time(self, user_id: str) -> list[int]:
        """What the user's grants had to spend after each line that changed it, in nanocredits."""
        accounts = {f"grant:{grant.id}" for grant in self.grants.values() if grant.user_id == user_id}
        now = 0
        reported: list[int] = []
        for line in self.lines:
            change = line.nanos * ((line.target in accounts) - (line.source in accounts))
            if change:
                now += change
                reported.append(now)
        return reported


@contextmanager
def opened(data_dir: Path) -> Iterator[sqlite3.Connection]:
    """The books, to read only."""
    with closing(sqlite3.connect(f"file:{data_dir / 'aikit.db'}?mode=ro", uri=True, timeout=30)) as books:
        yield books


def user_id_of(data_dir: Path, name: str) -> str:
    """The id of the user of that name."""
    with opened(data_dir) as books:
        return str(books.execute("select id from users where name = ?", (name,)).fetchone()[0])


def prices(data_dir: Path) -> dict[str, Price]:
    """Every version of every rate."""
    with opened(data_dir) as books:
        return {
            row[0]: Price(*row[1:])
            for row in books.execute("select id, prices ->> '$.input_nanos', prices ->> '$.output_nanos' from rates")
        }


def read(data_dir: Path) -> Books:
    """The books as of now, while others write."""
    with opened(data_dir) as books:
        books.execute("begin")
        lines = [_line(*row) for row in books.execute(_LINES)]
        assert [(len(lines),)] == books.execute(_COUNT).fetchall(), "a line was written that nobody saw"
        rows = sorted(_call(*row) for statement in (_CALLS, _HOLDS) for row in books.execute(statement))
        calls = {row.id: row for row in rows}
        assert len(calls) == len(rows), "a call runs that has ended"
        return Books(lines, calls, {row[0]: GrantRow(*row) for row in books.execute(_GRANTS)})


def audit(data_dir: Path) -> Books:
    """Prove the books as of now; AssertionError names the first thing that does not add up."""
    return proved(read(data_dir))


def proved(books: Books) -> Books:
    """Prove books that were read; AssertionError names the first thing that does not add up."""
    accounts: Counter[str] = Counter()
    moved: Counter[tuple[str | None, str]] = Counter()
    for line in books.lines:
        accounts[line.source] -= line.nanos
        accounts[line.target] += line.nanos
        moved[line.call_id, line.kind] += line.nanos
        assert line.nanos > 0, f"{line} moves nothing"
        grant = books.grants.get(line.source.removeprefix("grant:"))
        if grant is not None and grant.expires_ms is not None:
            in_time = line.at_ms < grant.expires_ms
            assert in_time == (line.kind in ("hold", "adjustment")), (
                f"{line.kind} of {line.cause} at {line.at_ms}, and {grant.id} ends at {grant.expires_ms}"
            )
        assert line.source == "issued" or accounts[line.source] >= 0, f"{line} overdraws {line.source}"
    assert accounts.total() == 0, f"the accounts sum to {accounts.total()}"
    late = 0
    for call in books.calls.values():
        held, captured, released, expired = (
            moved.pop((call.id, kind), 0) for kind in ("hold", "capture", "release", "expire")
        )
        assert held == call.hold, f"{call.id} held {held}, its row says {call.hold}"
        assert captured == call.charge <= held, f"{call.id} was captured {captured}, its row says {call.charge}"
        assert not (captured + released and expired), f"{call.id} was settled and expired as well"
        resolved = captured + released + expired
        assert resolved == (0 if call.ending is None else held), f"{call.id} held {held} and resolved {resolved}"
        assert accounts.pop(f"held:{call.id}", 0) == held - resolved
        assert call.ending != "lost" or captured == 0, f"{call.id} is lost and charged"
        # What a stream had delivered that was taken for lost is charged late, and never beyond its hold.
        adjusted = moved.pop((call.id, "adjustment"), 0)
        assert adjusted <= (held if call.ending == "lost" else 0), f"{call.id} was charged {adjusted} more"
        late += adjusted
    for grant in books.grants.values():
        assert accounts.pop(f"grant:{grant.id}", 0) == grant.available, f"{grant} has not what the journal left in it"
        assert 0 <= grant.available <= grant.available + grant.held <= grant.amount, f"{grant} holds too much"
    revenue = late + sum(call.charge for call in books.calls.values())
    assert accounts.pop("revenue", 0) == revenue, f"the calls were charged {revenue}"
    assert set(accounts) <= {"issued", "breakage"}, f"accounts of nobody: {set(accounts)}"
    assert {kind for _, kind in moved} <= {"grant", "breakage"}, f"moves of nobody: {moved}"
    return books
