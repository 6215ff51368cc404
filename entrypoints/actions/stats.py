"""Actions on the statistics."""

from entrypoints.actions.action import Action
from entrypoints.usecases.manage import stats_proof
from entrypoints.usecases.management_context import NoFields

ACTIONS = (
    Action(
        name="stats verify",
        meaning="derive every sum of usage again from the calls and compare; exit code 1 if they differ",
        example="aihub stats verify",
        permission="maintain the books",
        is_change=False,
        has_progress=True,
        request=NoFields,
        reply=stats_proof.StatsVerified,
        handler=stats_proof.verify_stats,
    ),
)
