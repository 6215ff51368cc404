"""Rows that are only added stay as they are: by triggers where the server has them, and by what a role may do.

The hub's own role should not own the tables: an owner can remove a trigger. So a role of the operator's migrates the
database, and grants the hub's role what it needs.
"""

from adapters.storage.postgres.connection import Connection
from adapters.storage.postgres.tables import TABLES
from domain.books.rows import Hold

# Tables whose rows are never changed and never removed. A hold is never changed, and removed when its call ends.
APPEND_ONLY = tuple(table.name for table in TABLES if table.is_appended and table.kind is not Hold)
_OTHERS = ("meta", "processes", "writers", *(t.name for t in TABLES if not t.is_appended and t.kind is not Hold))

_FUNCTION = """create or replace function rows_are_append_only() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'integrity_constraint_violation';
end $$"""
_TRIGGER = """create or replace trigger {0}_is_append_only before update or delete or truncate on {0}
    for each statement execute function rows_are_append_only()"""


async def guard(connection: Connection) -> None:
    """Let the server refuse every change of an appended row. Can be repeated."""
    await connection.execute(_FUNCTION)
    for name in APPEND_ONLY:
        await connection.execute(_TRIGGER.format(name))


def grants_to(role: str) -> list[str]:
    """The statements that let a role be the hub's: it adds rows, and changes only what changes."""
    to = '"' + role.replace('"', '""') + '"'
    return [
        f"revoke all on {', '.join((*APPEND_ONLY, 'holds', *_OTHERS, 'migrations'))} from {to}",
        f"grant select on migrations to {to}",
        f"grant select, insert on {', '.join(APPEND_ONLY)} to {to}",
        f"grant select, insert, delete on holds to {to}",
        f"grant select, insert, update, delete on {', '.join(_OTHERS)} to {to}",
    ]
