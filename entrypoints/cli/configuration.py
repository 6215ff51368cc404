"""The views of the actions on the configuration."""

from typing import Any

import msgspec

from entrypoints.cli.configuration_file import exported
from entrypoints.cli.output import Output, Views, table
from entrypoints.usecases.manage.configuration.actions import Applied, ApplyConfiguration, ExportConfiguration
from entrypoints.usecases.manage.configuration.compare import Change
from entrypoints.usecases.manage.configuration.document import Document

_SIGNS = {"add": "+", "change": "~", "remove": "-"}


def applied(request: ApplyConfiguration, reply: Applied) -> Output:
    """`apply`: the differences, what was done, and the new keys; exit code 1 if not all was done."""
    lines = [table(("", "KIND", "NAME", "FIELD", "NOW", "THEN"), [*_rows(reply.changes)], "")]
    lines.append(_summary(request, reply))
    if reply.keys:
        keys = [(one.user, one.name, one.id, one.key) for one in reply.keys]
        lines += [table(("USER", "NAME", "ID", "KEY"), keys, ""), "These keys are shown here and never again."]
    is_done = reply.stopped is None and not reply.waiting
    return Output(
        text="\n\n".join(line for line in lines if line), note="; ".join(reply.notes), code=0 if is_done else 1
    )


def _rows(changes: list[Change]) -> list[tuple[str, ...]]:
    """One line for each field, after the name of its thing."""
    rows: list[tuple[str, ...]] = []
    for change in changes:
        head = (_SIGNS[change.action], change.kind, change.name)
        moved = [(move.field, _text(move.before), _text(move.after)) for move in change.moves] or [("", "", "")]
        rows += [(*(head if n == 0 else ("", "", "")), *move) for n, move in enumerate(moved)]
    return rows


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple) and all(isinstance(one, str | int) for one in value):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _summary(request: ApplyConfiguration, reply: Applied) -> str:
    if not reply.changes:
        return "The hub has this configuration already; nothing was changed."
    words = (("add", "added"), ("change", "changed"), ("remove", "removed"))
    counts = ", ".join(f"{n} {word}" for action, word in words if (n := _count(reply.changes, action)))
    if reply.waiting:
        return f"Nothing was done, because something would be removed ({counts}): add --accept if that is right."
    if request.dry_run:
        return f"Nothing was done; without --dry-run: {counts}."
    if reply.stopped is not None:
        return f"{reply.made} of {len(reply.changes)} changes were made, then {reply.stopped}. Apply the file again."
    return f"Done: {counts}."


def _count(changes: list[Change], action: str) -> int:
    return sum(change.action == action for change in changes)


def export_shown(request: ExportConfiguration, reply: Document) -> Output:
    """`export`."""
    return exported(request.form, reply)


VIEWS: Views = {"apply": applied, "export": export_shown}
