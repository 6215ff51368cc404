"""What a limit or a budget is for, by the names that people use for it."""

from typing import Annotated, TypeAlias

from msgspec import Meta

from domain.accounts.rows import TEAM_MARK
from domain.limits import subjects
from domain.management.teams import no_team
from domain.refusals import BadRequest, NotFound, Remedy
from entrypoints.usecases.management_context import ManagementContext

EACH = "*"

UserName: TypeAlias = Annotated[str | None, Meta(description="for a user, or * for each of them")]
KeyId: TypeAlias = Annotated[str | None, Meta(description="for an API key, by its id, or * for each of them")]
TeamName: TypeAlias = Annotated[str | None, Meta(description="for the keys of a team, or * for each team")]
ModelName: TypeAlias = Annotated[str | None, Meta(description="for a model, by PROVIDER/MODEL or any name of it")]


async def subject_of(
    context: ManagementContext, user: str | None, key: str | None, model: str | None, team: str | None = None
) -> str | NotFound | BadRequest:
    """The subject: a user, a key, a team or a model, the whole hub where none is named."""
    named = [name for name in (user, key, team, model) if name is not None]
    if len(named) > 1:
        problem = "a limit is for a user, a key, a team or a model, not for several of them"
        return BadRequest(field="user", problem=problem)
    if EACH in (user, team):
        return subjects.of("user" if team is None else "team", EACH)
    if user is not None:
        found = await context.storage.user_named(user)
        return NotFound(kind="user", name=user, remedy=Remedy("user list")) if found is None else f"user:{found.id}"
    if team is not None:
        found = await context.storage.account_named(TEAM_MARK + team)
        return no_team(team) if found is None else subjects.of("team", found.id)
    if key is not None:
        if key != EACH and all(one.id != key for one in await context.storage.keys()):
            return NotFound(kind="key", name=key, remedy=Remedy("key list"))
        return subjects.of("key", key)
    if model is not None:
        if not 0 < len(model) <= 200 or not model.isprintable():
            return BadRequest(field="model", problem="write the name of a model, such as openai/gpt-5")
        return subjects.of("model", model)
    return subjects.HUB


async def shown_subjects(context: ManagementContext) -> dict[str, str]:
    """How subjects of users and teams are shown: by their names. That of a team's account begins with its kind."""
    users = {f"user:{user.id}": f"user:{user.name}" for user in await context.storage.users()}
    return users | {f"team:{team.id}": team.name for team in await context.storage.teams()}
