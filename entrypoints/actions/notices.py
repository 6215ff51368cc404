"""Actions on the webhook and the notices that are sent to it."""

from entrypoints.actions.action import Action, Argument
from entrypoints.usecases.manage import webhooks
from entrypoints.usecases.management_context import NoFields

ACTIONS = (
    Action(
        name="webhook set",
        meaning="set the URL to which notices are sent, and make a new secret, which is shown once",
        details="Messages are signed as Standard Webhooks describes.",
        example="aihub webhook set --url https://ops.example.com/hooks/aihub",
        permission="maintain the books",
        is_change=True,
        request=webhooks.SetWebhook,
        reply=webhooks.WebhookSet,
        handler=webhooks.set_webhook,
        arguments=(Argument("url", "--url", "URL"),),
    ),
    Action(
        name="webhook show",
        meaning="show the webhook",
        example="aihub webhook show",
        permission="maintain the books",
        is_change=False,
        request=NoFields,
        reply=webhooks.WebhookView,
        handler=webhooks.show_webhook,
    ),
    Action(
        name="webhook test",
        meaning="send a message of type webhook.test now, and report the answer",
        example="aihub webhook test",
        permission="maintain the books",
        is_change=True,
        needs_providers=True,
        request=NoFields,
        reply=webhooks.WebhookTested,
        handler=webhooks.test_webhook,
    ),
    Action(
        name="webhook remove",
        meaning="send nothing from now on; notices are still recorded",
        example="aihub webhook remove",
        permission="maintain the books",
        is_change=True,
        request=NoFields,
        reply=webhooks.WebhookRemoved,
        handler=webhooks.remove_webhook,
    ),
    Action(
        name="notice list",
        meaning="list the notices of low balances and of budgets, the newest first",
        example="aihub notice list --limit 20",
        permission="see accounts",
        is_change=False,
        request=webhooks.ListNotices,
        reply=list[webhooks.NoticeView],
        handler=webhooks.list_notices,
        arguments=(Argument("limit", "--limit", "N"),),
    ),
)
