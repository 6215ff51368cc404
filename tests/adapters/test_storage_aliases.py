"""Aliases in the books, whatever keeps them: versions that are only added, the newest of which stands."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.storage.sqlite.storage import SqliteStorage
from domain.books.management_scopes import AliasScope, ProviderScope, UserScope
from domain.catalog.aliases import Alias, Canary
from ports.books import Storage
from tests.adapters.storage_rules import a_provider, a_rate, an_alias, look, write

pytestmark = pytest.mark.anyio

NOBODY = UserScope(name="nobody")
FULL = an_alias(2, canary=Canary(model="acme/new", percent=5), first_token_timeout_ms=1_500, strategy="least-cost")


async def test_the_newest_version_of_an_alias_stands_until_it_is_removed(storage: Storage) -> None:
    await storage.decide(NOBODY, write(an_alias(1), an_alias(3, name="gone")))
    await storage.decide(NOBODY, write(FULL, an_alias(4, name="gone", removed=True)))

    rows = await storage.catalog()

    assert ([FULL], 4) == (rows.aliases, rows.version)


async def test_an_alias_can_be_set_again_after_it_was_removed(storage: Storage) -> None:
    for n, removed in ((1, False), (2, True), (3, False)):
        await storage.decide(NOBODY, write(an_alias(n, removed=removed)))

    assert [an_alias(3)] == (await storage.catalog()).aliases


async def test_a_rule_about_an_alias_sees_all_that_stand_and_the_names_of_the_providers(storage: Storage) -> None:
    await storage.decide(NOBODY, write(a_provider(), a_provider("gone"), an_alias(1), an_alias(2, name="gone")))
    await storage.decide(NOBODY, write(a_provider("gone", removed_ms=5), an_alias(3, name="gone", removed=True)))

    facts = (await storage.decide(AliasScope(), look)).shown

    assert ({"fast": an_alias(1)}, frozenset({"acme"})) == (facts.aliases, facts.providers)


async def test_a_rule_about_a_provider_sees_an_alias_of_its_name(storage: Storage) -> None:
    await storage.decide(NOBODY, write(an_alias(1), an_alias(2, name="other")))

    assert an_alias(1) == (await storage.decide(ProviderScope(name="fast"), look)).shown.alias
    assert (await storage.decide(ProviderScope(name="slow"), look)).shown.alias is None


async def test_capabilities_of_models_and_the_order_of_providers_are_kept(storage: Storage) -> None:
    provider = a_provider(priority=3, weight=7)
    rates = [a_rate(1), a_rate(2, capabilities=()), a_rate(3, capabilities=("tools", "images"))]
    await storage.decide(NOBODY, write(provider, *rates))

    kept = await storage.catalog()

    assert ([provider], rates) == (kept.providers, kept.rates)


async def test_a_backup_has_every_version(storage: Storage, tmp_path: Path) -> None:
    await storage.decide(NOBODY, write(an_alias(1), FULL))

    await storage.backup(str(tmp_path / "backup.db"))

    async with SqliteStorage.open(tmp_path / "backup.db") as opened:
        assert [FULL] == (await opened.catalog()).aliases
    with closing(sqlite3.connect(tmp_path / "backup.db")) as connection:
        assert [("alias-1",), ("alias-2",)] == connection.execute("select id from aliases order by seq").fetchall()


@pytest.mark.parametrize("change", ["update aliases set strategy = 'least-cost'", "delete from aliases"])
async def test_a_version_is_never_changed(connection: sqlite3.Connection, change: str) -> None:
    insert = "insert into aliases (id, name, strategy, known_ms, removed, targets) values ('a', 'a', ?, 1, 0, '[1]')"
    connection.execute(insert, ("round-robin",))
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        connection.execute(insert.replace("'a', 'a'", "'b', 'a'"), ("by chance",))

    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(change)


@pytest.mark.parametrize("wrong", [
    {"targets": ()},
    {"canary": Canary(model="m", percent=0)},
    {"canary": Canary(model="m", percent=100)},
])  # fmt: skip
def test_an_alias_without_a_usable_route_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="from 1 to"):
        an_alias(**wrong)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(msgspec.to_builtins(an_alias()) | msgspec.to_builtins(wrong), Alias)
