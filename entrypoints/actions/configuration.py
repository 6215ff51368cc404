"""Actions on the configuration as one file."""

from entrypoints.actions import NOUNS
from entrypoints.actions.action import Action, Argument
from entrypoints.usecases.manage.configuration import actions as use_cases
from entrypoints.usecases.manage.configuration.document import Document

ACTIONS = (
    Action(
        name="apply",
        meaning=NOUNS["apply"].meaning,
        details="What it does not state stays. If one change is refused, none is made. See *The configuration file*.",
        example="aihub apply hub.yaml --dry-run",
        permission="maintain the books",
        is_change=True,
        begins_books=True,
        request=use_cases.ApplyConfiguration,
        reply=use_cases.Applied,
        handler=use_cases.apply_configuration,
        arguments=(
            Argument(
                "prune",
                "--prune",
                "KINDS",
                "of these kinds, such as aliases,limits, remove what the file does not state",
            ),
            Argument("accept", "--accept"),
            Argument("dry_run", "--dry-run"),
        ),
    ),
    Action(
        name="export",
        meaning=NOUNS["export"].meaning,
        details="Rates that follow the price book are left out, and so are secrets, keys, credit and calls.",
        example="aihub export > hub.yaml",
        permission="maintain the books",
        is_change=False,
        request=use_cases.ExportConfiguration,
        reply=Document,
        handler=use_cases.export_configuration,
        arguments=(Argument("form", "--format"),),
    ),
)
