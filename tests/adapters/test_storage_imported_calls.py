"""Calls of another gateway in the books, whatever keeps them: added once, read newest first, never changed."""

from typing import Any

import msgspec
import pytest

from domain.books.management_scopes import ImportedCallScope, UserScope
from domain.books.rows import ImportedCall
from domain.usage import Usage
from ports.books import Storage
from tests.adapters.storage_rules import look, write

pytestmark = pytest.mark.anyio

NOBODY = UserScope(name="nobody")


def an_imported_call(n: int, **changes: Any) -> ImportedCall:
    call = ImportedCall(
        id=f"aigne:{n}",
        source="aigne",
        caller="alice",
        app=None,
        provider="openai",
        model="gpt-5",
        operation="chat",
        status="success",
        started_ms=n,
        duration_ms=1_200,
        first_byte_ms=None,
        usage=Usage(input_tokens=10, output_tokens=5),
        credits_nanos=100_000,
        error=None,
        request_id="request",
        trace_id=None,
    )
    return msgspec.structs.replace(call, **changes)


async def test_they_are_read_newest_first_page_by_page_and_by_user(storage: Storage) -> None:
    same_time = [an_imported_call(n, started_ms=7) for n in (20, 21, 22)]
    others = [an_imported_call(1), an_imported_call(9, caller="bob", usage=None, credits_nanos=None)]
    await storage.decide(NOBODY, write(*same_time, *others))

    newest_first = [others[1], *reversed(same_time), others[0]]
    assert await storage.imported_calls(None, 10) == newest_first
    assert await storage.imported_calls(None, 2) == newest_first[:2]
    assert await storage.imported_calls(None, 10, newest_first[1].id) == newest_first[2:]
    assert await storage.imported_calls("bob", 10) == [others[1]]
    assert await storage.imported_calls("alice", 2, same_time[2].id) == [same_time[1], same_time[0]]


async def test_a_rule_sees_which_of_them_are_there(storage: Storage) -> None:
    await storage.decide(NOBODY, write(an_imported_call(1), an_imported_call(2)))

    seen = await storage.decide(ImportedCallScope(ids=("aigne:1", "aigne:3")), look)

    assert seen.shown == frozenset(("aigne:1",))


async def test_one_that_is_there_is_not_added_again(storage: Storage) -> None:
    await storage.decide(NOBODY, write(an_imported_call(1)))

    with pytest.raises(Exception, match="imported"):
        await storage.decide(NOBODY, write(an_imported_call(1, model="another")))

    assert await storage.imported_calls(None, 10) == [an_imported_call(1)]
