"""The order in which lines of the journal were written, kept beside the books of a test by a trigger of the test's own.

The hub keeps its journal by cause, so a test that proves every instant must see each line as it comes.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

_WATCH = """
create table if not exists written (
    n integer primary key, cause blob not null, kind integer not null, step integer not null
);
create trigger if not exists line_is_written after insert on journal
begin
    insert into written (cause, kind, step) values (new.cause, new.kind, new.step);
end;
insert into written (cause, kind, step)
    select cause, kind, step from journal where not exists (select 1 from written) order by at_ms, cause, kind, step;
"""


def watch(data_dir: Path) -> None:
    """Write down every line from now on, in the books that a hub has made there."""
    with closing(sqlite3.connect(data_dir / "aikit.db", isolation_level=None, timeout=30)) as books:
        books.executescript(f"begin immediate; {_WATCH} commit;")
