"""Writing the rows of a batch: in one statement where PostgreSQL itself does that, else in one for each table.

House rule: a statement must change exactly the rows that it was to change; else the batch is refused as a whole.
"""

import re
from functools import lru_cache
from typing import Any, NamedTuple

from adapters.storage.postgres.connection import Connection, Engine

_PARAMETER = re.compile(r"\$(\d+)")
_COMBINATIONS_MAX = 256


class Refused(Exception):
    """The books refuse a row of the batch; nothing of it was written."""


class Write(NamedTuple):
    """One statement with its parameters, how many rows it must change, and what is wrong where it does not."""

    statement: str
    parameters: list[Any]
    rows: int
    problem: str


async def write(connection: Connection, engine: Engine, writes: list[Write]) -> None:
    """Carry out all of them; no two may change the same row. Refused if one does not change what it must."""
    if engine.is_plain and len(writes) > 1:
        statement = _together(tuple(each.statement for each in writes))
        changed = await connection.fetchrow(statement, *(value for each in writes for value in each.parameters))
        for each, rows in zip(writes, changed, strict=True):
            _check(each, rows)
        return
    for each in writes:
        status = await connection.execute(each.statement, *each.parameters)
        _check(each, int(status.rpartition(" ")[2]))


def _check(meant: Write, changed: int) -> None:
    if changed != meant.rows:
        raise Refused(meant.problem)


@lru_cache(_COMBINATIONS_MAX)
def _together(statements: tuple[str, ...]) -> str:
    """One statement that does what these do, and returns how many rows each has changed."""
    parts, first = [], 0
    for number, statement in enumerate(statements):
        parts.append(f"w{number} as ({_numbered_from(statement, first)} returning 1)")
        first += max(map(int, _PARAMETER.findall(statement)))
    counts = [f"(select count(*) from w{number})" for number in range(len(statements))]
    return f"with {', '.join(parts)} select {', '.join(counts)}"


def _numbered_from(statement: str, first: int) -> str:
    """The statement with parameters after the first so many."""
    return _PARAMETER.sub(lambda found: f"${int(found.group(1)) + first}", statement)
