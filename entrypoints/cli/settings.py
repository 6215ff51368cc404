"""The view of `config show`, which is no action on a hub: the settings are those of this environment."""

from collections.abc import Sequence

from entrypoints.cli.output import Output, table
from entrypoints.config import Effective


def show_config(rows: Sequence[Effective]) -> Output:
    """`config show`; secrets are masked."""
    cells = [(row.name, row.value, row.origin, row.meaning) for row in rows]
    return Output(value=list(rows), text=table(("SETTING", "VALUE", "ORIGIN", "MEANING"), cells, ""))
