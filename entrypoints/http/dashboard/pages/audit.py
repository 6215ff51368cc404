"""The audit log with its filters, as a page and as CSV."""

from urllib.parse import urlencode

from domain.books.rows import AuditEntry
from domain.refusals import BadRequest, Refusal
from entrypoints.http.dashboard.csv_files import csv_of
from entrypoints.http.dashboard.page import Download, View, Visitor
from entrypoints.http.wire import Request
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.public_types import Moment, read

SHOWN_MAX = 150
# How many of the newest entries are looked through.
READ_MAX = 5_000
FIELDS = ("actor", "action", "subject", "since", "q")


async def audit_page(hub: CallContext, visitor: Visitor, request: Request) -> View | Refusal:
    """`GET /dashboard/audit`: the newest management actions first."""
    wanted = _given(request)
    read_entries = await hub.storage.audit(READ_MAX)
    found = _matching(hub, read_entries, wanted)
    if isinstance(found, BadRequest):
        return found
    values = {
        "entries": [(Moment(entry.at_ms), entry) for entry in found[:SHOWN_MAX]],
        "left": max(0, len(found) - SHOWN_MAX),
        "wanted": wanted,
        "query": urlencode({name: text for name, text in wanted.items() if text}),
        "actors": sorted({entry.actor for entry in read_entries})[:100],
        "actions": sorted({entry.action for entry in read_entries}),
        "is_full": len(read_entries) == READ_MAX,
        "read_max": READ_MAX,
    }
    return View(template="audit.html", title="Audit log", values=values)


async def audit_csv(hub: CallContext, visitor: Visitor, request: Request) -> Download | Refusal:
    """`GET /dashboard/audit.csv`: the entries that match, of the newest."""
    found = _matching(hub, await hub.storage.audit(READ_MAX), _given(request))
    if isinstance(found, BadRequest):
        return found
    rows = ([Moment(entry.at_ms), entry.actor, entry.action, entry.subject, entry.detail] for entry in found)
    return csv_of("audit", ("at", "actor", "action", "subject", "detail"), rows)


def _given(request: Request) -> dict[str, str]:
    return {name: (request.query_value(name) or "").strip() for name in FIELDS}


def _matching(hub: CallContext, entries: list[AuditEntry], wanted: dict[str, str]) -> list[AuditEntry] | BadRequest:
    since_ms = 0
    if wanted["since"]:
        try:
            since_ms = read(hub.clock.now_ms(), Moment, wanted["since"])
        except ValueError as problem:
            return BadRequest(field="since", problem=str(problem))
    return [
        entry
        for entry in entries
        if entry.at_ms >= since_ms
        and wanted["actor"] in ("", entry.actor)
        and wanted["action"] in ("", entry.action)
        and wanted["subject"] in entry.subject
        and wanted["q"] in f"{entry.actor} {entry.action} {entry.subject} {entry.detail}"
    ]
