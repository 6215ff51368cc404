"""Actions on the call log."""

from entrypoints.actions.action import Action, Argument
from entrypoints.usecases.manage import call_actions as use_cases
from entrypoints.usecases.manage.call_view import CallView, CallWithAdjustments
from entrypoints.usecases.manage.imports import imported_calls

_USER = Argument("user", "--user", "NAME")
_FILTERS = (
    _USER,
    Argument("since", "--since", "TIME", "such as 2026-11-01, or 7d for ago (the first)"),
    Argument("until", "--until", "TIME", "calls that began before then (now)"),
    Argument("status", "--status"),
    Argument("model", "--model", "MODEL"),
    Argument("provider", "--provider", "NAME"),
    Argument("operation", "--operation", "NAME"),
    Argument("app", "--app", "APP"),
    Argument("team", "--team", "NAME"),
    Argument("key", "--key", "ID"),
    Argument("run", "--run", "RUN"),
    Argument("trace", "--trace", "ID"),
    Argument("slower_than", "--slower-than", "TIME", "only those that took so long or longer, such as 30s"),
    Argument("search", "--search", "TEXT"),
)

ACTIONS = (
    Action(
        name="call list",
        meaning="list the newest calls",
        example="aihub call list --user alice --status failed --since 7d",
        permission="see calls",
        is_change=False,
        request=use_cases.ListCalls,
        reply=list[CallView],
        own=True,
        handler=use_cases.list_calls,
        arguments=(
            *_FILTERS,
            Argument("limit", "--limit", "N", "how many at most (20); `aihub call export` writes all"),
            Argument("before", "--before", "ID"),
        ),
    ),
    Action(
        name="call show",
        meaning="show every field of a call, the adjustments of its charge, and the moves of credit that it caused",
        example="aihub call show call_01k8…",
        permission="see calls",
        is_change=False,
        request=use_cases.ShowCall,
        reply=CallWithAdjustments,
        own=True,
        handler=use_cases.show_call,
        arguments=(Argument("id", "ID", help="as `aihub call list` and the header x-request-id show it"),),
    ),
    Action(
        name="call export",
        meaning="write every call, oldest first, to standard output: as CSV, or with --json as JSON Lines",
        example="aihub call export --since 30d > calls.csv",
        permission="see calls",
        is_change=False,
        is_streamed=True,
        request=use_cases.ExportCalls,
        reply=CallView,
        own=True,
        handler=use_cases.export_calls,
        arguments=_FILTERS,
    ),
    Action(
        name="call imported",
        meaning="list the calls that were taken over from another gateway, the newest first; for reading alone",
        example="aihub call imported --user alice",
        permission="see calls",
        is_change=False,
        request=imported_calls.ListImportedCalls,
        reply=list[imported_calls.ImportedCallView],
        handler=imported_calls.list_imported_calls,
        arguments=(_USER, Argument("limit", "--limit", "N"), Argument("before", "--before", "ID")),
    ),
)
