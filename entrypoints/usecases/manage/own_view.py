"""What users may see who are no operators: what is their own, and that without what it costs the operator."""

from domain.refusals import NotFound
from entrypoints.usecases.management_context import ActionContext


def user_in_scope(context: ActionContext, name: str | None) -> str | NotFound | None:
    """The name of the user whose things are meant: for users always their own; None for all, where operators ask.

    Another user does not exist for a user, whether there is one of that name or not.
    """
    if context.own is None:
        return name
    return context.own if name in (None, context.own) else NotFound(kind="user", name=name or "")


def sees_costs(context: ActionContext) -> bool:
    """Whether the asker may see what providers ask."""
    return context.own is None
