"""The first start is one, and later ones bring nothing back."""

import asyncio
from pathlib import Path

import pytest

from adapters.storage.sqlite.storage import SqliteStorage
from adapters.vault import MasterKeyVault
from domain.billing.verification import Totals
from domain.management.rates_from_prices import Terms
from entrypoints.usecases.manage import credit, providers, rates
from entrypoints.usecases.manage.first_run import OWNER, first_run, prepare
from entrypoints.usecases.manage.keys import revoke
from entrypoints.usecases.manage.maintenance import verify
from tests.entrypoints.management_context import CANARY, CREDIT, a_management_context

pytestmark = pytest.mark.anyio


async def test_the_first_start_makes_an_owner_with_a_key_and_credit_and_a_provider_that_answers() -> None:
    context = a_management_context()

    started = await first_run(context, None)

    assert started.fresh
    assert started.key is not None
    caller = await context.storage.caller(context.vault.fingerprint(started.key))
    assert caller is not None
    assert (caller[1].name, caller[1].role) == (OWNER, "owner")
    wallet = await credit.wallet(context, OWNER)
    assert isinstance(wallet, credit.Wallet)
    assert wallet.balance.available_nanos == 5 * CREDIT
    assert [grant.source for grant in wallet.grants] == ["starter"]
    (sold,) = await rates.rates(context)
    assert (sold.provider.name, sold.model, sold.provider.base_url) == ("echo", "echo", "echo://local")


async def test_later_starts_change_nothing_and_bring_nothing_back() -> None:
    context = a_management_context()
    await first_run(context, None)
    await rates.delete_rate(context, "test", "echo/echo")
    await providers.delete_provider(context, "test", "echo")

    again = await first_run(context, None)

    assert (again.fresh, again.key) == (False, None)
    assert await rates.rates(context) == []
    assert await providers.providers(context.storage) == []
    assert len(await context.storage.keys()) == 1
    assert len(await context.storage.users()) == 1


async def test_starts_at_once_in_several_processes_make_one_hub(tmp_path: Path) -> None:
    path = tmp_path / "books.db"
    vault = MasterKeyVault([bytes(32)])
    async with await SqliteStorage.open(path) as one, await SqliteStorage.open(path) as other:
        contexts = [a_management_context(storage, vault=vault) for storage in (one, other, one, other)]

        started = await asyncio.gather(*(first_run(context, None) for context in contexts))

        keys = [start.key for start in started if start.key]
        assert len(keys) == 1
        assert len(await one.keys()) == 1
        assert [user.name for user in await one.users()] == [OWNER]
        assert len(await one.wallet((await one.users())[0].id)) == 1
        assert isinstance(await verify(one), Totals)


async def test_a_given_key_becomes_the_owner_s_at_any_start_but_a_revoked_one_stays_revoked() -> None:
    context = a_management_context()
    await first_run(context, None)

    given = await first_run(context, "given-owner-key-1")
    assert (given.fresh, given.key) == (True, None)
    (row,) = [key for key in await context.storage.keys() if key.name == "AIHUB_OWNER_KEY"]
    assert not (await first_run(context, "given-owner-key-1")).fresh
    await revoke(context, "test", row.id)

    again = await first_run(context, "given-owner-key-1")

    assert again.given_key_revoked
    assert len(await context.storage.keys()) == 2


async def test_vendors_keys_register_once_and_what_was_removed_stays_removed() -> None:
    context = a_management_context()
    keys = {"OPENAI_API_KEY": (CANARY, CANARY + "2"), "ANTHROPIC_API_KEY": ()}

    first = await providers.register_vendor_keys(context, "test", keys)
    again = await providers.register_vendor_keys(context, "test", keys)

    assert [row.name for row in first] == ["env OPENAI_API_KEY #1", "env OPENAI_API_KEY #2"]
    assert again == []
    assert [row.name for row in await providers.providers(context.storage)] == ["openai"]
    await providers.delete_credential(context, "test", first[0].id)
    assert await providers.register_vendor_keys(context, "test", {"OPENAI_API_KEY": (CANARY,)}) == []
    (kept,) = await providers.credentials(context.storage)
    assert context.vault.unseal(kept.sealed, f"credential:{kept.id}") == (CANARY + "2").encode()


async def test_a_vendor_whose_keys_have_two_names_takes_both_and_one_key_once() -> None:
    context = a_management_context()
    keys = {"GEMINI_API_KEY": (CANARY,), "GOOGLE_API_KEY": (CANARY, CANARY + "2")}

    registered = await providers.register_vendor_keys(context, "test", keys)

    assert [row.name for row in registered] == ["env GEMINI_API_KEY #1", "env GOOGLE_API_KEY #2"]
    assert [(row.name, row.dialect) for row in await providers.providers(context.storage)] == [("google", "google")]


async def test_a_start_under_another_server_prepares_all_but_a_key_that_nobody_would_see() -> None:
    context = a_management_context()

    await prepare(context, None, {"OPENAI_API_KEY": (CANARY,)})

    assert await context.storage.keys() == []
    assert [row.name for row in await providers.providers(context.storage)] == ["echo", "openai"]
    assert (await first_run(context, None)).fresh


async def test_a_start_sells_what_the_book_knows_where_a_margin_is_set() -> None:
    context = a_management_context()
    terms = Terms(margin_nanos=20 * CREDIT, credit_price_nanos=CREDIT)

    await prepare(context, None, {"DEEPSEEK_API_KEY": (CANARY,)}, terms)
    sold = {served.model: served.rate for served in await rates.rates(context) if served.provider.name == "deepseek"}
    await prepare(context, None, {}, terms)

    chat = sold["deepseek-v4-flash"]
    assert chat is not None
    assert chat.source.startswith("price book: deepseek/deepseek-v4-flash@")
    assert len(chat.tiers) == 2, "dearer by day"
    assert sold == {
        served.model: served.rate for served in await rates.rates(context) if served.provider.name == "deepseek"
    }
