"""Conditions of a change on every storage engine: one claim of a key, and no change of rows that have moved."""

import asyncio
from functools import partial

import msgspec
import pytest

from domain.books.management_scopes import KeyFacts, KeyScope, NothingScope, ProviderScope, UserScope, repeatable
from domain.management.guarded_changes import Claim, Made, Moved, Repeated, Seen, guarded, look
from ports.books import Storage
from tests.adapters.storage_rules import Decided, a_key, a_provider, a_user, write

pytestmark = pytest.mark.anyio

PROVIDER = a_provider()


def claim(n: int, digest: str = "d") -> Claim:
    return Claim(user_id="user-1", key="k", digest=digest, request_id=f"call-{n}", now_ms=1_000 + n)


async def test_of_many_requests_with_one_key_one_makes_its_change(storage: Storage) -> None:
    await storage.decide(UserScope(name="name-1"), write(a_user(), a_key()))
    scope = repeatable(KeyScope(key_id="key-1"), "user-1", "k")

    def renamed(n: int, facts: KeyFacts) -> Decided:
        assert facts.key is not None
        return write(msgspec.structs.replace(facts.key, name=f"name {n}"))(facts)

    async def request(n: int) -> Made[Decided] | Repeated | Moved:
        return await storage.decide(scope, partial(guarded, rule=partial(renamed, n), claim=claim(n), expected=None))

    made = await asyncio.gather(*map(request, range(6)))

    (one,) = (n for n, each in enumerate(made) if isinstance(each, Made))
    assert {one} == {int(each.kept.call_id[-1]) for each in made if isinstance(each, Repeated)}
    ((key, *_),) = [found for found in [await storage.caller(a_key().fingerprint)] if found]
    assert f"name {one}" == key.name


async def test_rows_that_have_moved_since_they_were_seen_are_not_changed(storage: Storage) -> None:
    await storage.decide(UserScope(name="name-1"), write(a_user(), PROVIDER))
    for within, row in ((UserScope(name="name-1"), a_user()), (ProviderScope(name=PROVIDER.name), PROVIDER)):
        scope = repeatable(within, "", None)
        seen = await storage.decide(scope, look)
        other = msgspec.structs.replace(row, display_name="Other")
        mine = msgspec.structs.replace(row, display_name="Mine")

        await storage.decide(within, write(other))
        late = await storage.decide(scope, partial(guarded, rule=write(mine), claim=None, expected=seen))
        newer = await storage.decide(scope, look)
        made = await storage.decide(scope, partial(guarded, rule=write(mine), claim=None, expected=newer))

        assert isinstance(late, Moved)
        assert isinstance(made, Made)
        assert seen != newer


async def test_a_key_is_found_without_anything_else(storage: Storage) -> None:
    await storage.decide(UserScope(name="name-1"), write(a_user()))
    scope = repeatable(NothingScope(), "user-1", "k")
    assert None is (await storage.decide(scope, lambda found: Seen(facts=found.kept))).facts

    row = claim(1).row(201, "application/json", b"sealed")
    await storage.decide(scope, lambda _: Made(decision=Moved(), writes=(row,)))

    assert row == (await storage.decide(scope, lambda found: Seen(facts=found.kept))).facts


async def test_a_claim_whose_time_is_over_gives_way(storage: Storage) -> None:
    await storage.decide(UserScope(name="name-1"), write(a_user()))
    scope = repeatable(UserScope(name="name-1"), "user-1", "k")
    later = Claim(user_id="user-1", key="k", digest="other", request_id="call-2", now_ms=10**9)
    rename = write(msgspec.structs.replace(a_user(), display_name="Ada"))

    for each in (claim(1), later):
        made = await storage.decide(scope, partial(guarded, rule=rename, claim=each, expected=None))
        assert isinstance(made, Made)

    kept = (await storage.decide(scope, lambda found: Seen(facts=found.kept))).facts
    assert kept == later.row()
