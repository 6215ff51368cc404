"""Actions that take over what another gateway has."""

from entrypoints.actions.action import Action, Argument
from entrypoints.usecases.manage.imports import actions as use_cases
from entrypoints.usecases.manage.imports import aigne_actions as aigne

ACTIONS = (
    Action(
        name="import litellm",
        meaning="take over a configuration of LiteLLM's proxy, and list what of it has no counterpart",
        details="A credit is taken for a dollar. See how to move from LiteLLM.",
        example="aihub import litellm config.yaml --dry-run",
        permission="maintain the books",
        is_change=True,
        begins_books=True,
        request=use_cases.ImportLitellm,
        reply=use_cases.Imported,
        handler=use_cases.import_litellm,
        arguments=(Argument("dry_run", "--dry-run"),),
    ),
    Action(
        name="import aigne",
        meaning="take over the providers, credentials, rates, users and calls of an AIGNE Hub from its file aikit.db",
        details="Its secrets open with BLOCKLET_APP_EK and BLOCKLET_DID.",
        example="aihub import aigne aikit.db --dry-run",
        permission="maintain the books",
        is_change=True,
        begins_books=True,
        has_progress=True,
        request=aigne.ImportAigne,
        reply=aigne.AigneImported,
        handler=aigne.import_aigne,
        arguments=(Argument("file", "FILE"), Argument("dry_run", "--dry-run")),
    ),
)
