"""What users may see who are no operators: what is their own, and that without what it costs the operator."""

from domain.refusals import NotFound
from entrypoints.usecases.management_context import ActionContext


def user_in_scope(context: ActionContext, name: str | None) -> str | NotFound | None:
    """The name of the user whose things are meant: for users always their own; None for all, where operators ask.

    Another user does not exist for a user, whether there is one of that name or not. A key that a team pays for sees
    its own calls alone, so there the user does not matter: `key_in_scope` has the key.
    """
    if context.own is None:
        return name
    if name not in (None, context.own):
        return NotFound(kind="user", name=name or "")
    return context.own if context.own_key is None else None


def key_in_scope(context: ActionContext, key_id: str | None) -> str | NotFound | None:
    """The key whose calls are meant: for a key that a team pays for always itself."""
    if context.own_key is None:
        return key_id
    return context.own_key if key_id in (None, context.own_key) else NotFound(kind="key", name=key_id or "")


def is_in_scope(context: ActionContext, user: str, key_id: str) -> bool:
    """Whether the asker may see a call of this user with this key."""
    if context.own_key is not None:
        return key_id == context.own_key
    return context.own in (None, user)


def sees_costs(context: ActionContext) -> bool:
    """Whether the asker may see what providers ask."""
    return context.own is None
