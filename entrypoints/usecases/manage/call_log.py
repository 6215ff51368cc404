"""The call log, as operators and users read it: which calls, page by page, and each of them once."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias, get_args

import msgspec
from msgspec import Meta

from domain.accounts.rows import TEAM_MARK
from domain.books.call_query import CallQuery, LoggedCall, Search
from domain.books.rows import Ending
from domain.failures import MAY_HAVE_COST
from domain.ledger.rows import Transfer
from domain.refusals import BadRequest, NotFound, Remedy
from entrypoints.usecases.manage.own_view import is_in_scope, key_in_scope, user_in_scope
from entrypoints.usecases.manage.teams import standing_members, visible_team
from entrypoints.usecases.manage.users import user_names
from entrypoints.usecases.management_context import ActionContext, Denial
from entrypoints.usecases.public_types import Duration, Moment
from ports.books import Storage

Status: TypeAlias = Literal[
    "running", "ended", "succeeded", "failed",
    "completed", "provider_failed", "client_disconnected", "timed_out", "lost",
]  # fmt: skip
TEXT_MAX = 200
# How many calls an export reads at once.
_PART = 500

_Text = Annotated[str, Meta(max_length=TEXT_MAX)]


class CallFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls are meant; all that are left out do not matter."""

    user: Annotated[str | None, Meta(description="only the calls of this user")] = None
    since: Annotated[Moment | None, Meta(description="only calls that began then or later")] = None
    until: Annotated[Moment | None, Meta(description="only calls that began before then")] = None
    status: Annotated[Status | None, Meta(description="only calls that ended so; failed: without the whole answer")] = (
        None
    )
    model: Annotated[_Text | None, Meta(description="only those of this model, without its provider")] = None
    provider: Annotated[_Text | None, Meta(description="only those that this provider answered")] = None
    operation: Annotated[_Text | None, Meta(description="only those for this operation, such as chat")] = None
    app: Annotated[_Text | None, Meta(description="only those of this app")] = None
    team: Annotated[_Text | None, Meta(description="only those with a key of this team")] = None
    key: Annotated[_Text | None, Meta(description="only those with this key, by its id")] = None
    run: Annotated[_Text | None, Meta(description="only those of this run")] = None
    trace: Annotated[_Text | None, Meta(description="only those of this trace")] = None
    slower_than: Annotated[Duration | None, Meta(description="only those that took so long or longer")] = None
    search: Annotated[
        _Text | None, Meta(description="only those with this text in their id, model, trace or user's name")
    ] = None


class CallReport(msgspec.Struct, frozen=True, kw_only=True):
    """A call with the names of its user and of its key's team, and the lines of the journal that it caused.

    The lines are there where they were asked for.
    `incomplete`: the call has ended and its caller did not get the whole answer. `cost_unknown`: the provider may
    have charged the operator for usage that it did not report.
    """

    logged: LoggedCall
    user: str
    team: str | None = None
    lines: tuple[Transfer, ...] = ()

    @property
    def incomplete(self) -> bool:
        """Whether the caller was left with a part of the answer, or none."""
        return self.logged.call.ending is not None and not self.logged.call.complete

    @property
    def cost_unknown(self) -> bool:
        """Whether the provider's cost of this call cannot be known."""
        call = self.logged.call
        if call.ending == "lost":
            return True
        # If an attempt was answered, it is the last one, and its usage was reported or estimated.
        unreported = call.attempts if call.usage is None else call.attempts[:-1]
        return any(attempt.outcome in MAY_HAVE_COST for attempt in unreported)


async def query_of(context: ActionContext, request: CallFilter) -> CallQuery | Denial:
    """The query of the books for a filter; a user who may see only their own asks for nothing else."""
    storage = context.hub.storage
    name = user_in_scope(context, request.user)
    if isinstance(name, NotFound):
        return name
    user = None if name is None else await storage.user_named(name)
    if name is not None and user is None:
        return NotFound(kind="user", name=name, remedy=Remedy("user list"))
    key_id = key_in_scope(context, request.key)
    if isinstance(key_id, NotFound):
        return key_id
    team = None
    if request.team is not None:
        team = await visible_team(context, await standing_members(context), request.team)
    if isinstance(team, NotFound):
        return team
    if request.since is not None and request.until is not None and request.until <= request.since:
        return BadRequest(field="until", problem="the time must end after it begins")
    search = None
    if request.search:
        search = Search(text=request.search, user_ids=await users_found(storage, request.search))
    return CallQuery(
        user_id=user.id if user is not None else None,
        from_ms=request.since,
        to_ms=request.until,
        **_how(request.status),
        model=request.model,
        provider=request.provider,
        operation=request.operation,
        app=request.app,
        key_id=key_id,
        team_id=team.id if team is not None else None,
        run_id=request.run,
        trace_id=request.trace,
        min_duration_ms=request.slower_than,
        search=search,
    )


def _how(status: Status | None) -> dict[str, Any]:
    if status is None:
        return {}
    return {"endings": (status,)} if status in get_args(Ending) else {"state": status}


async def users_found(storage: Storage, text: str) -> tuple[str, ...]:
    """The ids of the users in whose id or name the text is."""
    part = text.lower()
    return tuple(user.id for user in await storage.users() if part in user.id.lower() or part in user.name.lower())


async def page_of_calls(storage: Storage, query: CallQuery) -> list[CallReport]:
    """A page of the log, with the names of the users."""
    names = await user_names(storage)
    return [_report(one, names) for one in await storage.call_log(query)]


def _report(logged: LoggedCall, names: Mapping[str, str], lines: Sequence[Transfer] = ()) -> CallReport:
    """The report of a call; `names` are those of users and of teams' accounts by their ids."""
    call = logged.call
    team = None if call.team_id is None else names.get(call.team_id, call.team_id).removeprefix(TEAM_MARK)
    return CallReport(logged=logged, user=names.get(call.user_id, call.user_id), team=team, lines=tuple(lines))


async def every_call(storage: Storage, query: CallQuery) -> AsyncIterator[CallReport]:
    """Every call that the query asks for, oldest first, each once and as it is when its turn comes.

    The books are read part by part, so an export that is read slowly holds nothing in them.
    """
    names = await user_names(storage)
    query = msgspec.structs.replace(query, oldest_first=True, limit=_PART)
    while found := await storage.call_log(query):
        for one in found:
            yield _report(one, names)
        if len(found) < _PART:
            return
        query = msgspec.structs.replace(query, beyond=found[-1].call.id)


async def one_call(context: ActionContext, call_id: str) -> CallReport | NotFound:
    """The report of one call; one that the asker may not see does not exist."""
    storage = context.hub.storage
    missing = NotFound(kind="call", name=call_id, remedy=Remedy("call list"))
    found = await storage.call_log(CallQuery(ids=(call_id,), limit=1))
    if not found:
        return missing
    names = await user_names(storage)
    call = found[0].call
    user = names.get(call.user_id, call.user_id)
    if not is_in_scope(context, user, call.key_id):
        return missing
    lines = await storage.lines_of({call_id: "call"})
    return _report(found[0], names, lines)
