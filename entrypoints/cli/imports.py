"""The views of the imports."""

import msgspec

from entrypoints.cli.configuration import applied
from entrypoints.cli.output import Output, Views, table
from entrypoints.usecases.manage.configuration.actions import ApplyConfiguration
from entrypoints.usecases.manage.configuration.document import Document
from entrypoints.usecases.manage.imports.actions import Imported, ImportLitellm
from entrypoints.usecases.manage.imports.aigne_actions import AigneImported, ImportAigne


def imported(request: ImportLitellm | ImportAigne, reply: Imported) -> Output:
    """What was left out, then the differences and what was done."""
    shown = applied(ApplyConfiguration(configuration=Document(), dry_run=request.dry_run), reply)
    rows = [(left.path, left.why) for left in reply.left_out]
    left_out = f"Left out:\n\n{table(('IN THE FILE', 'WHY, AND WHAT TO DO'), rows, '')}" if rows else ""
    text = "\n\n".join(part for part in (left_out, shown.text) if part)
    return Output(text=text, note=shown.note, code=shown.code)


def aigne_imported(request: ImportAigne, reply: AigneImported) -> Output:
    """`import aigne`: also what was used there and never charged."""
    shown = imported(request, reply)
    rows = [(one.user, one.usages, one.credits) for one in reply.uncharged]
    uncharged = f"Used there and never charged:\n\n{table(('USER', 'USAGES', 'CREDITS'), rows, '')}" if rows else ""
    taken = "would be taken over" if request.dry_run or reply.stopped is not None else "were taken over"
    calls = f"{reply.calls} calls {taken}, for reading alone: `aihub call imported` lists them." if reply.calls else ""
    return msgspec.structs.replace(shown, text="\n\n".join(part for part in (uncharged, shown.text, calls) if part))


VIEWS: Views = {"import litellm": imported, "import aigne": aigne_imported}
