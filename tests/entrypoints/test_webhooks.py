"""Notices reach the operator's webhook: signed, once for each crossing, however many processes look for them. (G27)"""

import asyncio
import base64
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from domain.books.limit_scopes import NoticeScope
from domain.management.webhooks import ATTEMPTS_MAX, CLAIM_MS, PAUSES_MS, claim
from domain.refusals import BadRequest, NotFound
from entrypoints.config import Settings, read_settings
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.manage import credit, users, wallets, webhooks
from entrypoints.usecases.manage.notice_delivery import deliver_due, deliver_regularly
from entrypoints.usecases.manage.webhooks import ListNotices, SetWebhook, WebhookSet, signed, url_problem
from entrypoints.usecases.management_context import ActionContext, NoFields
from entrypoints.usecases.public_types import Credits, CreditsChange
from entrypoints.wiring import hub
from ports.webhooks import Sent
from tests.entrypoints.management_context import CREDIT, At
from tests.support.webhook_receiver import Receiver, receiving

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


def settings_of(tmp_path: Path, **more: str) -> Settings:
    settings = read_settings({"DATA_DIR": str(tmp_path), "AIHUB_PRIVATE_WEBHOOKS": "true", **more})
    assert isinstance(settings, Settings), settings
    return settings


@pytest.fixture
async def actions(tmp_path: Path, anyio_backend: str) -> AsyncIterator[ActionContext]:
    """The actions of an operator on a hub in which Alice has 10 credits and a threshold of 5."""
    settings = settings_of(tmp_path)
    async with hub(settings) as whole:
        context = ActionContext(hub=whole, by="ops", policy=settings.policy)
        await users.add_user(context, users.AddUser(name="alice"))
        await credit.grant_credit(context, credit.GrantCredit(user="alice", amount=Credits(10 * CREDIT)))
        await wallets.set_threshold(context, wallets.SetThreshold(user="alice", amount=Credits(5 * CREDIT)))
        yield context


def the_hub(actions: ActionContext) -> CallContext:
    assert isinstance(actions.hub, CallContext)
    return actions.hub


async def set_to(actions: ActionContext, url: str) -> str:
    """The secret of the webhook, which is set."""
    made = await webhooks.set_webhook(actions, SetWebhook(url=url))
    assert isinstance(made, WebhookSet), made
    return made.secret


async def adjust(actions: ActionContext, amount: int) -> None:
    changed = wallets.AdjustCredit(user="alice", amount=CreditsChange(amount * CREDIT), reason="a test")
    assert isinstance(await wallets.adjust_credit(actions, changed), credit.WalletView)


async def states(actions: ActionContext) -> list[str]:
    listed = await webhooks.list_notices(actions, ListNotices())
    assert isinstance(listed, list)
    return [notice.state for notice in listed]


def test_a_message_is_signed_as_the_specification_does() -> None:
    """The specification's own example: https://docs.svix.com/receiving/verifying-payloads/how-manual."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    headers = signed(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330")


async def test_a_crossing_is_sent_once_and_signed(actions: ActionContext, receiver: Receiver) -> None:
    secret = await set_to(actions, receiver.url)
    await adjust(actions, -6)

    sent = [await deliver_due(the_hub(actions)) for _ in range(3)]

    assert sent == [1, 0, 0]
    (message,) = receiver.received()
    assert message.is_signed_with(secret)
    assert message.content["type"] == "balance.low"
    assert message.content["data"] == {"notice": message.id, "user": "alice", "threshold": "5", "balance": "4"}
    assert await states(actions) == ["delivered"]


async def test_a_balance_that_stays_low_is_reported_once_and_again_when_it_has_been_high(
    actions: ActionContext, receiver: Receiver
) -> None:
    await set_to(actions, receiver.url)
    for amount in (-6, -1, -1, 8, -1, -6):
        await adjust(actions, amount)

    await deliver_due(the_hub(actions))

    assert sorted(message.content["data"]["balance"] for message in receiver.received()) == ["3", "4"]


async def test_a_message_that_is_refused_is_sent_again_after_a_pause_under_the_same_id(
    actions: ActionContext, receiver: Receiver
) -> None:
    whole, secret = the_hub(actions), await set_to(actions, receiver.url)
    await adjust(actions, -6)
    receiver.statuses = [500, 302]
    now_ms = whole.clock.now_ms()

    for pause_ms in (0, *PAUSES_MS[:2]):
        now_ms += pause_ms
        whole.clock = At(now_ms - 1)
        assert pause_ms == 0 or await deliver_due(whole) == 0, "not before the pause is over"
        whole.clock = At(now_ms + 1)
        now_ms += 1
        assert await deliver_due(whole) == 1

    messages = receiver.received()
    assert len({message.id for message in messages}) == 1
    assert len({message.at_s for message in messages}) == 3
    assert all(message.is_signed_with(secret) for message in messages)
    assert await states(actions) == ["delivered"]


async def test_a_receiver_that_is_gone_is_given_up(actions: ActionContext, receiver: Receiver) -> None:
    await set_to(actions, receiver.url)
    await adjust(actions, -6)
    receiver.statuses = [410]

    await deliver_due(the_hub(actions))

    assert await states(actions) == ["given up"]


async def test_attempts_have_an_end(actions: ActionContext, receiver: Receiver) -> None:
    whole = the_hub(actions)
    await set_to(actions, receiver.url)
    await adjust(actions, -6)
    receiver.statuses = [503] * (ATTEMPTS_MAX + 3)
    now_ms = whole.clock.now_ms()

    for pause_ms in (0, *PAUSES_MS, PAUSES_MS[-1]):
        now_ms += pause_ms + 1
        whole.clock = At(now_ms)
        await deliver_due(whole)

    assert len(receiver.received()) == ATTEMPTS_MAX
    assert await states(actions) == ["given up"]


async def test_of_two_processes_one_sends(tmp_path: Path, actions: ActionContext, receiver: Receiver) -> None:
    await set_to(actions, receiver.url)
    await adjust(actions, -6)
    async with AsyncExitStack() as opened:
        others = [await opened.enter_async_context(hub(settings_of(tmp_path))) for _ in range(2)]

        sent = await asyncio.gather(*map(deliver_due, [the_hub(actions), *others]))

    assert sum(sent) == 1
    assert len(receiver.received()) == 1


async def test_what_a_process_claimed_before_it_died_is_sent_by_another_later(
    actions: ActionContext, receiver: Receiver
) -> None:
    whole = the_hub(actions)
    await set_to(actions, receiver.url)
    await adjust(actions, -6)
    now_ms = whole.clock.now_ms()
    (notice,) = await whole.storage.notices_due(now_ms, 0, 9)
    await whole.storage.decide(NoticeScope(ids=(notice.id,)), lambda found: claim(found, now_ms))

    whole.clock = At(now_ms + CLAIM_MS - 1)
    assert await deliver_due(whole) == 0
    whole.clock = At(now_ms + CLAIM_MS)
    assert await deliver_due(whole) == 1

    assert [message.id for message in receiver.received()] == [notice.id]


async def test_what_was_crossed_without_a_webhook_is_recorded_and_not_sent(
    actions: ActionContext, receiver: Receiver
) -> None:
    whole = the_hub(actions)
    await adjust(actions, -6)
    assert await deliver_due(whole) == 0
    whole.clock = At(whole.clock.now_ms() + 1)

    await set_to(actions, receiver.url)

    assert await deliver_due(whole) == 0
    assert await states(actions) == ["recorded"]


async def test_a_webhook_is_shown_tested_and_removed(actions: ActionContext, receiver: Receiver) -> None:
    assert isinstance(await webhooks.show_webhook(actions, NoFields()), NotFound)
    assert isinstance(await webhooks.test_webhook(actions, NoFields()), NotFound)
    earlier, secret = [await set_to(actions, receiver.url) for _ in range(2)]
    receiver.statuses = [200, 404]

    tested = [await webhooks.test_webhook(actions, NoFields()) for _ in range(2)]
    shown = await webhooks.show_webhook(actions, NoFields())
    gone = await webhooks.remove_webhook(actions, NoFields())

    assert [(one.accepted, one.status) for one in tested if isinstance(one, webhooks.WebhookTested)] == [
        (True, 200), (False, 404),
    ]  # fmt: skip
    message, _ = receiver.received()
    assert (message.is_signed_with(secret), message.is_signed_with(earlier)) == (True, False)
    assert message.content["type"] == "webhook.test"
    assert isinstance(shown, webhooks.WebhookView)
    assert shown.url == receiver.url
    assert isinstance(gone, webhooks.WebhookRemoved)
    assert isinstance(await webhooks.show_webhook(actions, NoFields()), NotFound)


async def test_a_name_that_leads_to_a_private_address_is_not_called(tmp_path: Path, receiver: Receiver) -> None:
    """Where the operator does not allow it, also if the name says nothing of it."""
    settings = settings_of(tmp_path, AIHUB_PRIVATE_WEBHOOKS="false")
    async with hub(settings) as whole:
        assert whole.webhooks is not None

        sent = await whole.webhooks.post(receiver.url.replace("127.0.0.1", "localhost"), {}, b"{}")

    assert "is not public" in (sent.error or "")
    assert receiver.received() == []


@pytest.mark.parametrize(("url", "problem"), [
    ("https://ops.example.com/hooks?team=1",  None),
    ("http://ops.example.com/hooks",          "https"),
    ("https://127.0.0.1/hooks",               "private"),
    ("https://10.1.2.3/",                     "private"),
    ("https://[::1]/",                        "private"),
    ("https://2130706433/",                   "private"),
    ("https://localhost/",                    "private"),
    ("https://169.254.169.254/latest",        "metadata"),
    ("https://metadata.google.internal/",     "metadata"),
    ("https://user:secret@ops.example.com/",  "password"),
    ("https://ops.example.com/#part",         "after #"),
    ("ftp://ops.example.com/",                "https"),
    ("https://ops example.com/",              "blanks"),
    ("nowhere",                               "https"),
])  # fmt: skip
def test_which_urls_a_webhook_may_have(url: str, problem: str | None) -> None:
    found = url_problem(url, private=False)

    assert found is None if problem is None else problem in (found or "")


def test_private_addresses_are_for_operators_who_allow_them() -> None:
    assert url_problem("http://127.0.0.1:9000/hooks", private=True) is None
    assert "metadata" in (url_problem("http://169.254.169.254/", private=True) or "")


async def test_a_url_that_is_not_allowed_is_refused(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, AIHUB_PRIVATE_WEBHOOKS="false")
    async with hub(settings) as whole:
        context = ActionContext(hub=whole, by="ops", policy=settings.policy)

        refused = await webhooks.set_webhook(context, SetWebhook(url="http://127.0.0.1/"))

    assert isinstance(refused, BadRequest)
    assert refused.field == "url"


async def test_an_error_does_not_end_the_delivery(
    actions: ActionContext, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    whole = the_hub(actions)
    await set_to(actions, receiver.url)
    await adjust(actions, -6)
    sender, broken = whole.webhooks, Broken()
    whole.webhooks = broken
    with caplog.at_level(logging.ERROR, logger="aihub"):
        task = asyncio.create_task(deliver_regularly(whole, 0.01))
        async with asyncio.timeout(20):
            await broken.called.wait()
            whole.webhooks, whole.clock = sender, At(whole.clock.now_ms() + CLAIM_MS)
            await asyncio.to_thread(receiver.messages.get)
        task.cancel()

    assert "cannot be delivered" in caplog.text


class Broken:
    """A sender with a defect."""

    def __init__(self) -> None:
        self.called = asyncio.Event()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Sent:
        self.called.set()
        raise ZeroDivisionError
