"""The settings in effect, and help with samples for the visitor's own URL."""

import os

from entrypoints.config import effective
from entrypoints.http.dashboard.page import View, Visitor
from entrypoints.http.wire import Request
from entrypoints.usecases.call_context import CallContext


async def settings_page(hub: CallContext, visitor: Visitor, request: Request) -> View:
    """`GET /dashboard/settings`: each setting with its value, origin and meaning; secrets are masked."""
    return View(template="settings.html", title="Settings", values={"settings": effective(os.environ)})


async def help_page(hub: CallContext, visitor: Visitor, request: Request) -> View:
    """`GET /dashboard/help`."""
    model = (request.query_value("model") or "").strip() or "echo/echo"
    return View(template="help.html", title="Help", values={"model": model})
