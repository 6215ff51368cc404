"""The menu: every page that the visitor's role permits."""

from typing import TYPE_CHECKING

import msgspec

from domain.accounts.permissions import Permission

if TYPE_CHECKING:
    from entrypoints.http.dashboard.page import Visitor


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the menu."""

    path: str
    label: str
    group: str
    permission: Permission | None = None
    current: bool = False


_ENTRIES: tuple[tuple[str, str, str, Permission | None], ...] = (
    ("", "Overview", "", None),
    ("/playground", "Playground", "", None),
    ("/calls", "Calls", "", None),
    ("/usage", "Usage", "", None),
    ("/keys", "API keys", "", None),
    ("/users", "Users and credit", "Accounts", "see accounts"),
    ("/limits", "Limits and runs", "Accounts", "see accounts"),
    ("/providers", "Providers", "Models", "see models"),
    ("/models", "Models and rates", "Models", "see models"),
    ("/routing", "Aliases and routing", "Models", "see models"),
    ("/audit", "Audit log", "The hub", "see accounts"),
    ("/settings", "Settings", "The hub", "see accounts"),
    ("/actions", "All actions", "The hub", "see accounts"),
    ("/help", "Help", "The hub", None),
)
ENTRIES = tuple(
    Entry(path=f"/dashboard{path}", label=label, group=group, permission=permission)
    for path, label, group, permission in _ENTRIES
)


def menu_of(visitor: "Visitor", path: str) -> tuple[tuple[str, tuple[Entry, ...]], ...]:
    """The entries by group; the entry of the present page is marked."""
    allowed = [entry for entry in ENTRIES if entry.permission is None or visitor.may(entry.permission)]
    inside = [entry for entry in allowed if path == entry.path or path.startswith(f"{entry.path}/")]
    current = max(inside, key=lambda entry: len(entry.path), default=None)
    marked = [msgspec.structs.replace(entry, current=entry is current) for entry in allowed]
    groups = dict.fromkeys(entry.group for entry in marked)
    return tuple((group, tuple(entry for entry in marked if entry.group == group)) for group in groups)
