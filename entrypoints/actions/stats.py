"""Actions on the statistics."""

from entrypoints.actions.action import Action, Argument
from entrypoints.usecases.manage import stats, stats_proof
from entrypoints.usecases.management_context import NoFields

_FILTERS = ("user", "team", "key", "app", "run", "provider", "model", "operation", "ending")

ACTIONS = (
    Action(
        name="stats show",
        meaning="show what was used and charged, by period and by subject",
        details="A call counts in the period in which it began, once it has ended. Runs are summed from the calls, "
        "at most 50,000 at once.",
        example="aihub stats show --since 7d --every day --by provider,model",
        permission="see calls",
        is_change=False,
        own=True,
        request=stats.ShowStats,
        reply=stats.StatsView,
        handler=stats.show_stats,
        arguments=(
            Argument("since", "--since", "TIME"),
            Argument("until", "--until", "TIME"),
            Argument("every", "--every"),
            Argument("time_zone", "--time-zone", "ZONE"),
            Argument("by", "--by", "SUBJECT"),
            *(Argument(name, f"--{name}", "X") for name in _FILTERS),
            Argument("compare", "--compare"),
        ),
    ),
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
