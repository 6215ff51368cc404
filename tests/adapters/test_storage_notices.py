"""Notices and the webhook on every storage. (G27)"""

import asyncio
from functools import partial
from typing import Any

import msgspec
import pytest

from domain.books.limit_scopes import NoticeScope, WebhookScope
from domain.books.management_scopes import UserScope
from domain.books.scopes import SettleScope, SweepScope
from domain.limits.notices import Notice, Webhook
from domain.limits.rows import Reservation
from domain.management.webhooks import claim, record
from ports.books import Storage
from tests.adapters.storage_rules import a_grant, a_hold, a_user, look, open_account, write

pytestmark = pytest.mark.anyio

NOW_MS = 5_000


async def test_a_webhook_is_kept_until_it_is_removed(storage: Storage) -> None:
    hook = Webhook(id="webhook", url="https://ops.test/", salt="salt-1", created_ms=1)
    scope = WebhookScope(webhook_id="webhook")
    await storage.decide(scope, write(hook))

    assert await storage.webhook("webhook") == hook
    assert await storage.webhook("other") is None
    removed = msgspec.structs.replace(hook, removed_ms=2)
    await storage.decide(scope, write(removed))
    assert await storage.webhook("webhook") is None
    assert (await storage.decide(scope, look)).shown == removed


async def test_notices_are_listed_from_the_newest_and_due_from_the_most_overdue(storage: Storage) -> None:
    await noticed(storage, a_notice(1), a_notice(2, due_ms=3), a_notice(3, due_ms=None), a_notice(4, due_ms=9_000))

    assert [notice.id for notice in await storage.notices(9)] == [
        "call-4:low",
        "call-3:low",
        "call-2:low",
        "call-1:low",
    ]
    assert [notice.id for notice in await storage.notices(1)] == ["call-4:low"]
    assert [notice.id for notice in await storage.notices_due(NOW_MS, 0, 9)] == ["call-1:low", "call-2:low"]
    assert [notice.id for notice in await storage.notices_due(NOW_MS, 2, 9)] == ["call-2:low"]
    assert await storage.notices_due(NOW_MS, 0, 1) == [a_notice(1)]


async def test_of_many_who_claim_a_notice_one_gets_it(storage: Storage) -> None:
    await noticed(storage, a_notice(1))
    scope = NoticeScope(ids=("call-1:low",))

    claimed = await asyncio.gather(*(storage.decide(scope, partial(claim, now_ms=NOW_MS)) for _ in range(8)))

    assert sorted(len(one.notices) for one in claimed) == [0] * 7 + [1]
    (kept,) = await storage.notices(9)
    assert kept.attempts == 1


async def test_a_delivered_notice_is_due_no_more(storage: Storage) -> None:
    await noticed(storage, a_notice(1))
    scope = NoticeScope(ids=("call-1:low",))
    await storage.decide(scope, partial(claim, now_ms=NOW_MS))

    await storage.decide(scope, partial(record, error=None, final=False, now_ms=NOW_MS + 1))

    assert await storage.notices_due(2**40, 0, 9) == []
    (kept,) = await storage.notices(9)
    assert kept.delivered_ms == NOW_MS + 1


async def test_a_settlement_sees_the_whole_wallet_only_if_it_has_a_threshold(storage: Storage) -> None:
    await open_account(storage)
    await storage.decide(UserScope(name="name-1"), write(a_grant(2, nanos=7, created_ms=2)))
    watched = (Reservation("balance", "user-1", "", 50),)
    await storage.decide(UserScope(name="name-1"), write(a_hold("call-1"), a_hold("call-2", reserved=watched)))

    seen = [(await storage.decide(SettleScope(call_id=f"call-{n}", user_id="user-1"), look)).shown for n in (1, 2)]

    assert [facts.wallet_nanos for facts in seen] == [None, 107]


async def test_a_sweep_sees_the_wallets_of_grants_that_are_over(storage: Storage) -> None:
    await open_account(storage)
    stale = a_grant(2, nanos=7, created_ms=2, expires_ms=NOW_MS)
    await storage.decide(UserScope(name="name-2"), write(a_user(2, low_balance_nanos=3)))
    await storage.decide(UserScope(name="name-1"), write(stale, a_grant(3, nanos=5, voided_ms=1)))

    facts = (await storage.decide(SweepScope(now_ms=NOW_MS), look)).shown

    assert {user: (wallet.nanos, wallet.low_balance_nanos) for user, wallet in facts.wallets.items()} == {
        "user-1": (112, None)
    }
    assert {grant.id for grant in facts.grants} == {"grant-2", "grant-3"}


async def noticed(storage: Storage, *rows: Notice) -> None:
    await storage.decide(UserScope(name="name-1"), write(a_user()))
    await storage.decide(UserScope(name="name-1"), write(*rows))


def a_notice(n: int, **changes: Any) -> Notice:
    notice = Notice(
        id=f"call-{n}:low", user_id="user-1", kind="balance.low", limit_nanos=5, value_nanos=4, at_ms=n, due_ms=1
    )
    return msgspec.structs.replace(notice, **changes)
