"""The views of the imports."""

from entrypoints.cli.configuration import applied
from entrypoints.cli.output import Output, Views, table
from entrypoints.usecases.manage.configuration.actions import ApplyConfiguration
from entrypoints.usecases.manage.configuration.document import Document
from entrypoints.usecases.manage.imports.actions import Imported, ImportLitellm


def litellm_imported(request: ImportLitellm, reply: Imported) -> Output:
    """`import litellm`: the differences, what was done, and what was left out."""
    shown = applied(ApplyConfiguration(configuration=Document(), dry_run=request.dry_run), reply)
    rows = [(left.path, left.why) for left in reply.left_out]
    left_out = f"Left out:\n\n{table(('IN THE FILE', 'WHY, AND WHAT TO DO'), rows, '')}" if rows else ""
    text = "\n\n".join(part for part in (left_out, shown.text) if part)
    return Output(text=text, note=shown.note, code=shown.code)


VIEWS: Views = {"import litellm": litellm_imported}
