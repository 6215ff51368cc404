"""The import of an AIGNE Hub as an action: its request, reply and use case."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

import msgspec
from msgspec import Meta

from domain.refusals import BadRequest
from entrypoints.usecases.manage.configuration.actions import Applied, ApplyConfiguration, apply_configuration
from entrypoints.usecases.manage.configuration.document import Document
from entrypoints.usecases.manage.imports.actions import Imported
from entrypoints.usecases.manage.imports.aigne import convert
from entrypoints.usecases.manage.imports.aigne_calls import count_calls, take_calls
from entrypoints.usecases.manage.imports.leftovers import Leftovers
from entrypoints.usecases.management_context import ActionContext, Denial
from entrypoints.usecases.public_types import read
from ports.aigne import AigneBooks, AigneError


class ImportAigne(msgspec.Struct, frozen=True, kw_only=True):
    """The file of an AIGNE Hub to take over."""

    file: Annotated[str, Meta(description="its aikit.db, or a copy of it")]
    dry_run: Annotated[bool, Meta(description="only show what would change")] = False


class Uncharged(msgspec.Struct, frozen=True, kw_only=True):
    """What a user used there and was never charged for: usages that the hub had not reported."""

    user: str
    usages: int
    credits: Annotated[str, Meta(description="as the hub there counted them")]


class AigneImported(Imported, frozen=True, kw_only=True):
    """What changes, what was made, and what the file has that is not taken over."""

    calls: Annotated[int, Meta(description="the calls that were not there yet; they are for reading alone")]
    uncharged: list[Uncharged]


async def import_aigne(context: ActionContext, request: ImportAigne) -> AigneImported | Denial:
    """Providers, credentials, rates, users and calls of the file; what the hub has besides stays."""
    assert context.open_aigne is not None, "only the command line opens files"
    try:
        with context.open_aigne(request.file) as books:
            total = books.count("ModelCalls")
            return await _imported(context, request, books, lambda n: context.report(f"{n} of {total} calls"))
    except AigneError as error:
        return BadRequest(field="file", problem=str(error))


async def _imported(
    context: ActionContext, request: ImportAigne, books: AigneBooks, report: Callable[[int], None]
) -> AigneImported | Denial:
    left = Leftovers()
    found = convert(books.rows, books.secret, books.users(), left)
    _note_tables(books, left)
    document = msgspec.convert(found.document, Document, dec_hook=partial(read, context.hub.clock.now_ms()))
    reply = await apply_configuration(
        context, ApplyConfiguration(configuration=document, secrets=found.secrets, dry_run=request.dry_run)
    )
    if not isinstance(reply, Applied):
        return reply
    names = {str(row["id"]): str(row["name"]) for row in books.rows("AiProviders")}
    take = count_calls if request.dry_run or reply.stopped is not None else take_calls
    calls = await take(context.hub, books, names, report)
    uncharged = [Uncharged(user=did, usages=n, credits=text) for did, n, text in books.uncharged()]
    return AigneImported(**msgspec.structs.asdict(reply), left_out=left.found, calls=calls, uncharged=uncharged)


def _note_tables(books: AigneBooks, left: Leftovers) -> None:
    """Note the tables that have no counterpart, where they have rows."""
    for table, why in _NOT_TAKEN.items():
        if number := books.count(table):
            left.add(table, f"{number} rows: {why}")


_NOT_TAKEN = {
    "AiModelStatuses": "the hub finds out itself which models answer",
    "ModelCallStats": "sums of calls, which are not taken over",
    "Apps": "subscriptions of version 1",
    "Projects": "names of apps; calls keep the ids of their apps",
    "ArchiveExecutionLogs": "a log of moves to files of archives",
}
