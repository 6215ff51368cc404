"""What each role may do, beyond what every caller may: one table, so that no handler names a role.

Every caller may call models, ask for quotes and counts, and see their own account.
"""

from collections.abc import Mapping
from typing import Literal

from domain.accounts.identity import Caller
from domain.accounts.rows import Role
from domain.refusals import NotAllowed

Action = Literal[
    "see routes", "see accounts", "see models", "see calls",
    "manage accounts", "manage credit", "manage models", "maintain the books",
]  # fmt: skip
_OPERATORS: frozenset[Role] = frozenset(("owner", "admin"))

PERMISSIONS: Mapping[Action, frozenset[Role]] = {
    "see routes": _OPERATORS,
    "see accounts": _OPERATORS,
    "see models": _OPERATORS,
    "see calls": _OPERATORS,
    "manage accounts": _OPERATORS,
    "manage credit": _OPERATORS,
    "manage models": _OPERATORS,
    "maintain the books": frozenset(("owner",)),
}


def denied(caller: Caller, action: Action) -> NotAllowed | None:
    """The refusal of an action that the caller's role does not permit; None where it does."""
    return None if caller.role in PERMISSIONS[action] else NotAllowed(action=action, role=caller.role)
