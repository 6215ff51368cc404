"""The views of the actions on the webhook and on notices."""

from entrypoints.cli.output import Output, Views, fields, table
from entrypoints.usecases.manage import webhooks
from entrypoints.usecases.management_context import NoFields


def webhook_set(request: webhooks.SetWebhook, reply: webhooks.WebhookSet) -> Output:
    """`webhook set`: the secret alone on standard output, so that a script can take it."""
    return Output(text=reply.secret, note=f"This secret signs the messages to {reply.url}. It is not shown again.")


def webhook_shown(request: NoFields, reply: webhooks.WebhookView) -> Output:
    """`webhook show`."""
    return Output(text=fields({"url": reply.url, "since": reply.since}))


def webhook_removed(request: NoFields, reply: webhooks.WebhookRemoved) -> Output:
    """`webhook remove`."""
    return Output(text=f"nothing is sent to {reply.url} any more")


def webhook_tested(request: NoFields, reply: webhooks.WebhookTested) -> Output:
    """`webhook test`; exit code 1 if the message was not accepted."""
    if reply.accepted:
        return Output(text=f"{reply.url} accepted the message ({reply.status})")
    return Output(text=f"{reply.url} did not accept the message: {reply.error}", code=1)


def notice_list(request: webhooks.ListNotices, reply: list[webhooks.NoticeView]) -> Output:
    """`notice list`."""
    columns = ("at", "kind", "user", "subject", "percent", "limit", "value", "state", "attempts", "error")
    rows = [[getattr(one, column) for column in columns] for one in reply]
    return Output(text=table([*map(str.upper, columns)], rows, "No notices yet."))


VIEWS: Views = {
    "webhook set": webhook_set,
    "webhook show": webhook_shown,
    "webhook test": webhook_tested,
    "webhook remove": webhook_removed,
    "notice list": notice_list,
}
