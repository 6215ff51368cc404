"""Usage by team and by run, which the sums of usage do not separate.

A key never changes its team, so the sums by key are those of teams. Runs are too many to be summed with each
settlement: their usage is summed from the calls themselves, which are read part by part.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

import msgspec

from domain.accounts.rows import TEAM_MARK
from domain.books.call_query import CallQuery
from domain.books.statistics.summary import Subject, UsageQuery, net_nanos, total
from domain.books.statistics.sums import sum_of_adjustment, sum_of_call
from domain.books.statistics.usage_sum import UsageSum
from domain.refusals import BadRequest
from entrypoints.usecases.management_context import ManagementContext

# So many calls are summed for runs at once, at most: a second or two.
CALLS_OF_RUNS_MAX = 50_000
_PART = 500


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Sums of one team, one run, or both, as far as these are apart; None where they are not."""

    team: str | None = None
    run: str | None = None
    sums: Sequence[UsageSum]


class Apart(msgspec.Struct, frozen=True, kw_only=True):
    """What is summed apart, and what is meant: by the id of the team, and by the run."""

    by_team: bool = False
    by_run: bool = False
    team_id: str | None = None
    run: str | None = None

    @property
    def needs_keys(self) -> bool:
        """Whether the sums are needed by key."""
        return self.by_team or self.team_id is not None

    @property
    def needs_calls(self) -> bool:
        """Whether the calls themselves are summed."""
        return self.by_run or self.run is not None


def by_key(query: UsageQuery, apart: Apart) -> UsageQuery:
    """The query that separates keys, too, where teams are meant."""
    if not apart.needs_keys or "key_id" in query.by:
        return query
    return msgspec.structs.replace(query, by=(*query.by, "key_id"))


async def groups_of(
    hub: ManagementContext, sums: Iterable[tuple[str, UsageSum]], query: UsageQuery, apart: Apart
) -> list[Group]:
    """The groups of sums with their runs, by the subjects of `query`, the greatest charge first; at least one."""
    teams: Mapping[str, str | None] = {}
    names: Mapping[str, str] = {}
    if apart.needs_keys:
        teams = {key.id: key.team_id for key in await hub.storage.keys()}
        names = {team.id: team.team_name for team in await hub.storage.teams()}
    found: defaultdict[tuple[str | None, str | None], list[UsageSum]] = defaultdict(list)
    for run, one in sums:
        team_id = teams.get(one.key_id) or ""
        if apart.team_id is None or team_id == apart.team_id:
            team = names.get(team_id, team_id).removeprefix(TEAM_MARK) if apart.by_team else None
            found[team, run if apart.by_run else None].append(_within(one, query.by))
    groups = [Group(team=team, run=run, sums=parts) for (team, run), parts in found.items()]
    groups.sort(key=lambda group: (-net_nanos(total(group.sums)), group.team or "", group.run or ""))
    return groups or [Group(sums=())]


async def sums_of_calls(
    hub: ManagementContext, query: UsageQuery, run: str | None
) -> list[tuple[str, UsageSum]] | BadRequest:
    """What each ended call that the query means comes to, with its run; or that there are too many of them."""
    wanted = CallQuery(
        user_id=query.user_id,
        key_id=query.key_id,
        app=query.app,
        provider=query.provider,
        model=query.model,
        operation=query.operation,
        endings=None if query.ending is None else (query.ending,),
        state="ended",
        run_id=run,
        from_ms=query.from_ms,
        to_ms=query.to_ms,
        oldest_first=True,
        limit=_PART,
    )
    if await hub.storage.call_count(wanted) > CALLS_OF_RUNS_MAX:
        problem = f"runs are summed over at most {CALLS_OF_RUNS_MAX} calls: choose a shorter time, or a user or a key"
        return BadRequest(field="since", problem=problem)
    sums: list[tuple[str, UsageSum]] = []
    while part := await hub.storage.call_log(wanted):
        for logged in part:
            call = logged.call
            sums.append((call.run_id or "", sum_of_call(call, "")))
            sums += [(call.run_id or "", sum_of_adjustment(call, one, "")) for one in logged.adjustments]
        wanted = msgspec.structs.replace(wanted, beyond=part[-1].call.id)
    return sums


def _within(one: UsageSum, by: Sequence[Subject]) -> UsageSum:
    """The sum without the subjects that are not apart."""
    return msgspec.structs.replace(one, **{name: "" for name in get_args(Subject) if name not in by})
