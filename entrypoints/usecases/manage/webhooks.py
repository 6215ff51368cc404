"""The webhook of the operator, and the notices that are sent to it.

Messages follow the Standard Webhooks specification: an id that stays the same for every attempt, the time of the
attempt, and an HMAC-SHA256 over both and the body. The secret is never stored: it derives from a salt of the webhook
and the key of the hub's fingerprints, which outlives every rotation of the master key.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hmac
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from domain.books.limit_scopes import WebhookScope
from domain.limits.notices import Notice, NoticeKind, Webhook
from domain.management import webhooks as rules
from domain.management.webhooks import WEBHOOK_ID
from domain.refusals import BadRequest, NotFound, Remedy
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.manage.base_urls import address_of, host_problem
from entrypoints.usecases.manage.limit_subjects import shown_subjects
from entrypoints.usecases.management_context import ActionContext, Denial, NoFields, acting, row_of
from entrypoints.usecases.public_types import Credits, Moment, moment, written
from ports.vault import Vault
from ports.webhooks import Sent

SECRET_PREFIX = "whsec_"  # noqa: S105  # what the specification begins secrets with
URL_CHARACTERS_MAX = 2_000

NoticeState = Literal["delivered", "waiting", "given up", "recorded"]


class SetWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """The webhook to set; it takes the place of the one that is set."""

    url: Annotated[str, Meta(description="an https URL")]


class WebhookSet(msgspec.Struct, frozen=True, kw_only=True):
    """The webhook and the secret that signs its messages, which is shown once."""

    url: str
    secret: str


class WebhookView(msgspec.Struct, frozen=True, kw_only=True):
    """The webhook; notices since then are sent to it."""

    url: str
    since: Moment


class WebhookRemoved(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing is sent from now on."""

    url: str
    removed: bool = True


class WebhookTested(msgspec.Struct, frozen=True, kw_only=True):
    """How the webhook took a message of type `webhook.test`."""

    url: str
    accepted: bool
    status: int | None
    error: str | None


class ListNotices(msgspec.Struct, frozen=True, kw_only=True):
    """How many notices to list."""

    limit: Annotated[int, Meta(description="how many", ge=1, le=1_000)] = 100


class NoticeView(msgspec.Struct, frozen=True, kw_only=True):
    """A crossing, and how far its delivery is.

    `limit` is the threshold or the budget's amount, `value` the balance after the crossing or what was spent. `state`
    is "recorded" where there was no webhook at the time.
    """

    id: str
    kind: NoticeKind
    user: str
    limit: Credits
    value: Credits
    at: Moment
    budget: str | None
    subject: str | None
    percent: int | None
    state: NoticeState
    attempts: int
    next: Moment | None
    delivered: Moment | None
    error: str | None


async def set_webhook(context: ActionContext, request: SetWebhook) -> WebhookSet | Denial:
    """The URL to which notices are sent from now on, and a new secret."""
    if (problem := url_problem(request.url, context.policy.private_webhooks)) is not None:
        return BadRequest(field="url", problem=problem)
    hub, who = context.hub, acting(context)
    new = Webhook(id=WEBHOOK_ID, url=request.url, salt=hub.ids.new("salt"), created_ms=who.now_ms)
    outcome = await hub.storage.decide(
        WebhookScope(webhook_id=WEBHOOK_ID), lambda had: rules.set_webhook(had, who, new)
    )
    made = row_of(outcome, Webhook)
    if not isinstance(made, Webhook):
        return made
    return WebhookSet(url=made.url, secret=SECRET_PREFIX + base64.b64encode(secret_of(hub.vault, made)).decode())


async def show_webhook(context: ActionContext, request: NoFields) -> WebhookView | Denial:
    """The webhook, without its secret."""
    found = await context.hub.storage.webhook(WEBHOOK_ID)
    return _none() if found is None else WebhookView(url=found.url, since=Moment(found.created_ms))


async def remove_webhook(context: ActionContext, request: NoFields) -> WebhookRemoved | Denial:
    """Nothing is sent from now on."""
    who = acting(context)
    outcome = await context.hub.storage.decide(
        WebhookScope(webhook_id=WEBHOOK_ID), lambda had: rules.remove_webhook(had, who)
    )
    gone = row_of(outcome, Webhook)
    return WebhookRemoved(url=gone.url) if isinstance(gone, Webhook) else gone


async def test_webhook(context: ActionContext, request: NoFields) -> WebhookTested | Denial:
    """A message of type `webhook.test`, sent now and once."""
    hub = context.hub
    assert isinstance(hub, CallContext), "the table says that this needs the providers"
    found = await hub.storage.webhook(WEBHOOK_ID)
    if found is None:
        return _none()
    sent = await send(hub, found, hub.ids.new("test"), "webhook.test", hub.clock.now_ms(), {})
    return WebhookTested(url=found.url, accepted=sent.error is None, status=sent.status, error=sent.error)


async def list_notices(context: ActionContext, request: ListNotices) -> list[NoticeView] | Denial:
    """The newest notices first."""
    storage = context.hub.storage
    names, webhook = await shown_subjects(context.hub), await storage.webhook(WEBHOOK_ID)
    since_ms = None if webhook is None else webhook.created_ms
    return [_view(one, names, since_ms) for one in await storage.notices(request.limit)]


async def send(
    hub: CallContext, webhook: Webhook, message_id: str, kind: str, at_ms: int, data: dict[str, Any]
) -> Sent:  # fmt: skip
    """Sign a message and send it, once."""
    if hub.webhooks is None:
        return Sent(error="this process cannot send messages")
    body = msgspec.json.encode({"type": kind, "timestamp": written(Moment(at_ms)), "data": data})
    headers = signed(secret_of(hub.vault, webhook), message_id, hub.clock.now_ms() // 1000, body)
    return await hub.webhooks.post(webhook.url, headers, body)


def signed(secret: bytes, message_id: str, at_s: int, body: bytes) -> dict[str, str]:
    """The headers of a message: its id, the time of the attempt in seconds, and the signature of both and the body."""
    digest = hmac.digest(secret, f"{message_id}.{at_s}.".encode() + body, "sha256")
    return {
        "content-type": "application/json",
        "user-agent": "aihub",
        "webhook-id": message_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def secret_of(vault: Vault, webhook: Webhook) -> bytes:
    """The secret of the webhook: 32 bytes."""
    return bytes.fromhex(vault.fingerprint(f"webhook {webhook.salt}"))


def data_of(notice: Notice, names: dict[str, str]) -> dict[str, Any]:
    """What the message of a notice reports; amounts are exact decimals of credits."""
    limit, value = written(Credits(notice.limit_nanos)), written(Credits(notice.value_nanos))
    user = names.get(f"user:{notice.user_id}", notice.user_id).removeprefix("user:")
    if notice.kind == "balance.low":
        return {"notice": notice.id, "user": user, "threshold": limit, "balance": value}
    subject = names.get(notice.subject or "", notice.subject)
    budget = {"budget": notice.budget_id, "subject": subject, "percent": notice.percent}
    return {"notice": notice.id, **budget, "amount": limit, "spent": value}


def url_problem(url: str, private: bool) -> str | None:
    """The problem of a webhook's URL, with the remedy; None if there is none."""
    if len(url) > URL_CHARACTERS_MAX or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return f"write at most {URL_CHARACTERS_MAX} printable ASCII characters without blanks"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        return f"it is no URL ({error}); write one such as https://ops.example.com/hooks/aihub"
    if parts.scheme not in (("https", "http") if private else ("https",)):
        return "write an https URL; AIHUB_PRIVATE_WEBHOOKS=true allows http"
    if "@" in parts.netloc or "#" in url or port == 0:
        return "leave user name, password and what comes after # out"
    if (problem := host_problem(host, bracketed="[" in parts.netloc)) is not None:
        return problem
    address = address_of(host)
    local = host.rstrip(".").lower().rpartition(".")[2] == "localhost" or (
        address is not None and not address.is_global
    )
    if local and not private:
        return f"{host} is a loopback or private address; AIHUB_PRIVATE_WEBHOOKS=true allows it"
    return None


def _none() -> NotFound:
    return NotFound(kind="webhook", name=WEBHOOK_ID, remedy=Remedy("webhook set"))


def _view(notice: Notice, names: dict[str, str], since_ms: int | None) -> NoticeView:
    state: NoticeState = "delivered"
    if notice.delivered_ms is None:
        sent_to = since_ms is not None and notice.at_ms >= since_ms
        state = "given up" if notice.due_ms is None else "waiting" if sent_to else "recorded"
    return NoticeView(
        id=notice.id,
        kind=notice.kind,
        user=names.get(f"user:{notice.user_id}", notice.user_id).removeprefix("user:"),
        limit=Credits(notice.limit_nanos),
        value=Credits(notice.value_nanos),
        at=Moment(notice.at_ms),
        budget=notice.budget_id,
        subject=names.get(notice.subject or "", notice.subject or "") or None,
        percent=notice.percent,
        state=state,
        attempts=notice.attempts,
        next=moment(notice.due_ms) if state == "waiting" else None,
        delivered=moment(notice.delivered_ms),
        error=notice.error,
    )
