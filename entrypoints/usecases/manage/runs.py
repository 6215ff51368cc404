"""Runs: the calls of a user that name one run of an agent, and the purse that they share."""

from typing import Annotated

import msgspec
from msgspec import Meta

from domain.accounts.rows import User
from domain.books.limit_scopes import RunScope
from domain.limits.rows import Run
from domain.management import limits as changes
from domain.model_api.origin import RUN_MAX
from domain.refusals import BadRequest, NotFound, Remedy
from entrypoints.usecases.management_context import ActionContext, Denial, ManagementContext, actor, row_of
from entrypoints.usecases.public_types import Credits, Moment, moment

_RUN = Meta(description="the run, as the header X-Aihub-Run or the agent's session names it")
_USER = Meta(description="whose run it is")
LISTED_MAX = 1_000


class ListRuns(msgspec.Struct, frozen=True, kw_only=True):
    """Which runs to list, the newest first."""

    user: Annotated[str | None, Meta(description="only this user's")] = None
    limit: Annotated[int, Meta(description="how many at most", ge=1, le=LISTED_MAX)] = 100


class NamedRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a user."""

    run: Annotated[str, _RUN]
    user: Annotated[str, _USER]


class SetRun(msgspec.Struct, frozen=True, kw_only=True):
    """What a run may spend in all; more than before raises its purse, and a stopped run goes on."""

    run: Annotated[str, _RUN]
    user: Annotated[str, _USER]
    purse: Annotated[Credits, Meta(description="credits for the whole run, what it has spent included")]


class RunView(msgspec.Struct, frozen=True, kw_only=True):
    """A run with its purse; None: it has none."""

    run: str
    user: str
    purse: Credits | None
    spent: Credits
    held: Credits
    begun: Moment
    stopped: Moment | None


async def list_runs(context: ActionContext, request: ListRuns) -> list[RunView] | Denial:
    """The runs that have a purse or were stopped, the newest first."""
    storage = context.hub.storage
    names = {user.id: user.name for user in await storage.users()}
    user_id = None
    if request.user is not None:
        user = await _user(context.hub, request.user)
        if not isinstance(user, User):
            return user
        user_id = user.id
    return [_view(run, names.get(run.user_id, run.user_id)) for run in await storage.runs(user_id, request.limit)]


async def show_run(context: ActionContext, request: NamedRun) -> RunView | Denial:
    """One run."""
    user = await _user(context.hub, request.user)
    if not isinstance(user, User):
        return user
    run = await context.hub.storage.run(user.id, request.run)
    return NotFound(kind="run", name=request.run, remedy=Remedy("run list")) if run is None else _view(run, user.name)


async def set_run(context: ActionContext, request: SetRun) -> RunView | Denial:
    """The purse of a run, which may have begun or not."""
    if request.purse < 0:
        return BadRequest(field="purse", problem="write an amount of credits, such as 2")
    user = await _user(context.hub, request.user)
    if not isinstance(user, User):
        return user
    if (problem := _problem(request.run)) is not None:
        return problem
    who = actor(context.hub, context.by)
    new = Run(user_id=user.id, run_id=request.run, created_ms=who.now_ms, purse_nanos=int(request.purse))
    outcome = await context.hub.storage.decide(
        RunScope(user_id=user.id, run_id=request.run), lambda run: changes.set_purse(run, who, new)
    )
    made = row_of(outcome, Run)
    return _view(made, user.name) if isinstance(made, Run) else made


async def stop_run(context: ActionContext, request: NamedRun) -> RunView | Denial:
    """The run makes no later call, with any key of the user."""
    user = await _user(context.hub, request.user)
    if not isinstance(user, User):
        return user
    if (problem := _problem(request.run)) is not None:
        return problem
    who = actor(context.hub, context.by)
    new = Run(user_id=user.id, run_id=request.run, created_ms=who.now_ms)
    outcome = await context.hub.storage.decide(
        RunScope(user_id=user.id, run_id=request.run), lambda run: changes.stop_run(run, who, new)
    )
    made = row_of(outcome, Run)
    return _view(made, user.name) if isinstance(made, Run) else made


async def _user(context: ManagementContext, name: str) -> User | NotFound:
    user = await context.storage.user_named(name)
    return NotFound(kind="user", name=name, remedy=Remedy("user list")) if user is None else user


def _problem(run: str) -> BadRequest | None:
    if 0 < len(run) <= RUN_MAX and run.isascii() and run.isprintable() and " " not in run:
        return None
    return BadRequest(field="run", problem=f"write 1 to {RUN_MAX} printable characters without spaces")


def _view(run: Run, user_name: str) -> RunView:
    return RunView(
        run=run.run_id,
        user=user_name,
        purse=None if run.purse_nanos is None else Credits(run.purse_nanos),
        spent=Credits(run.spent_nanos),
        held=Credits(run.held_nanos),
        begun=Moment(run.created_ms),
        stopped=moment(run.stopped_ms),
    )
