"""The audit log, the settings in effect, and help with samples for the visitor's own URL."""

import os

from entrypoints.config import effective
from entrypoints.http.dashboard.page import View, Visitor
from entrypoints.http.wire import Request
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.public_types import Moment

ENTRIES_MAX = 200


async def audit_page(hub: CallContext, visitor: Visitor, request: Request) -> View:
    """`GET /dashboard/audit`: the newest management actions first."""
    wanted = (request.query_value("q") or "").strip()
    entries = await hub.storage.audit(ENTRIES_MAX if not wanted else ENTRIES_MAX * 10)
    found = [
        (Moment(entry.at_ms), entry)
        for entry in entries
        if wanted in f"{entry.actor} {entry.action} {entry.subject} {entry.detail}"
    ]
    values = {"entries": found[:ENTRIES_MAX], "wanted": wanted}
    return View(template="audit.html", title="Audit log", values=values)


async def settings_page(hub: CallContext, visitor: Visitor, request: Request) -> View:
    """`GET /dashboard/settings`: each setting with its value, origin and meaning; secrets are masked."""
    return View(template="settings.html", title="Settings", values={"settings": effective(os.environ)})


async def help_page(hub: CallContext, visitor: Visitor, request: Request) -> View:
    """`GET /dashboard/help`."""
    model = (request.query_value("model") or "").strip() or "echo/echo"
    return View(template="help.html", title="Help", values={"model": model})
