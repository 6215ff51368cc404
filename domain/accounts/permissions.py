"""What each role may do, beyond what every caller may: one table, so that no handler names a role.

Every caller may call models, ask for quotes and counts, and see their own account.
"""

from collections.abc import Mapping
from typing import Literal

from domain.accounts.identity import Caller
from domain.accounts.rows import Role
from domain.refusals import NotAllowed

Permission = Literal[
    "see routes", "see accounts", "see models", "see calls", "see metrics",
    "see own teams", "manage own teams", "manage own keys",
    "manage accounts", "manage an owner", "manage credit", "manage models", "maintain the books",
]  # fmt: skip
_OPERATORS: frozenset[Role] = frozenset(("owner", "admin"))
_EVERYBODY: frozenset[Role] = frozenset(("owner", "admin", "guest"))

PERMISSIONS: Mapping[Permission, frozenset[Role]] = {
    "see routes": _OPERATORS,
    "see accounts": _OPERATORS,
    "see models": _OPERATORS,
    "see calls": _OPERATORS,
    "see metrics": _OPERATORS,
    # Whose teams and keys these are is decided by the rules of `domain.management`, behind the membership.
    "see own teams": _EVERYBODY,
    "manage own teams": _EVERYBODY,
    "manage own keys": _EVERYBODY,
    "manage accounts": _OPERATORS,
    "manage an owner": frozenset(("owner",)),
    "manage credit": _OPERATORS,
    "manage models": _OPERATORS,
    "maintain the books": frozenset(("owner",)),
}

# What it takes to manage a user of a role: an admin who managed an owner could become one.
MANAGED_WITH: Mapping[Role, Permission] = {
    "owner": "manage an owner",
    "admin": "manage accounts",
    "guest": "manage accounts",
}


def denied(caller: Caller, permission: Permission) -> NotAllowed | None:
    """The refusal for a caller whose role lacks the permission; None where the role has it."""
    return None if caller.role in PERMISSIONS[permission] else NotAllowed(action=permission, role=caller.role)
