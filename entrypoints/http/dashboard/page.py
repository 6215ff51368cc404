"""What a page is given and returns, and its reply with the headers that every page has."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import msgspec

from domain.accounts.identity import Caller
from domain.accounts.key_access import management_refusal
from domain.accounts.permissions import Permission, denied
from domain.refusals import BadRequest, NotFound, Refusal, StorageUnavailable
from entrypoints.http.dashboard.forms import read_form
from entrypoints.http.dashboard.navigation import menu_of
from entrypoints.http.dashboard.rendering import render
from entrypoints.http.dashboard.session import Session, is_same_site, session_of, url_of
from entrypoints.http.errors import error_of
from entrypoints.http.wire import Handler, Headers, Reply, Request
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.identity import caller_of
from entrypoints.usecases.management_context import ActionContext
from ports.books import StorageError

SIGN_IN = "/dashboard/sign-in"
_CONTENT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "media-src blob:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY: Headers = (
    ("content-security-policy", _CONTENT),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cache-control", "no-store"),
)


class Visitor(msgspec.Struct, frozen=True, kw_only=True):
    """The caller whose key signed in, as the books know it now, and the base URL by which the hub was reached."""

    caller: Caller
    session: Session
    url: str

    @property
    def name(self) -> str:
        """The user's name."""
        return self.caller.user.name

    def may(self, permission: Permission) -> bool:
        """Whether the role has the permission, and the key may manage."""
        return self.refusal(permission) is None

    def refusal(self, permission: Permission) -> Refusal | None:
        """The refusal of an action with that permission; None where the visitor may do it."""
        return denied(self.caller, permission) or management_refusal(self.caller.key)

    def acting(self, hub: CallContext) -> ActionContext:
        """The context of an action that the visitor carries out; about their own things where they see no others."""
        who = self.caller
        return ActionContext(
            hub=hub,
            by=f"dashboard:{self.name}",
            role=who.role,
            user_id=who.user.id,
            policy=hub.policy,
            own=None if self.may("see calls") else self.name,
        )


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A page: the name of its template, its title, and the values of its read model."""

    template: str
    title: str
    values: Mapping[str, Any] = {}
    status: int = 200


EXPIRED = View(
    template="message.html",
    title="Send the form again",
    values={"text": "The form is not of this session, or came from another site. Nothing was changed."},
    status=403,
)


class Redirect(msgspec.Struct, frozen=True):
    """Go to another page of the dashboard."""

    to: str


class Download(msgspec.Struct, frozen=True, kw_only=True):
    """A file that the browser keeps instead of showing it."""

    name: str
    content: bytes | AsyncIterator[bytes]
    content_type: str = "text/csv; charset=utf-8"


Answer: TypeAlias = View | Redirect | Download | Refusal
Page: TypeAlias = Callable[[CallContext, Visitor, Request], Awaitable[Answer]]


def page_handler(hub: CallContext, page: Page, permission: Permission | None = None) -> Handler:
    """The handler of a page for visitors who are signed in; any other is led to sign in."""

    async def reply(request: Request) -> Reply:
        try:
            visitor = await visitor_of(hub, request)
            if visitor is None:
                return _to_sign_in(request)
            return reply_of(request, visitor, await _answer(hub, page, permission, visitor, request))
        except StorageError as problem:
            return plain_reply(request, refused(StorageUnavailable(reason=str(problem))))

    @asynccontextmanager
    async def handle(request: Request) -> AsyncIterator[Reply]:
        yield await reply(request)  # What fails while a file is sent is the server's: a second reply is not possible.

    return handle


FormPage: TypeAlias = Callable[[CallContext, Visitor, Request, Mapping[str, str]], Awaitable[Answer]]


def form_handler(hub: CallContext, page: FormPage, permission: Permission | None = None) -> Handler:
    """The handler of a form that was sent: `page` gets its fields. Without the session's token nothing is changed."""

    async def checked(hub: CallContext, visitor: Visitor, request: Request) -> Answer:
        try:
            sent = read_form(request.body)
        except ValueError:
            return BadRequest(field=None, problem="The form cannot be read.")
        return (
            await page(hub, visitor, request, sent) if is_trusted(visitor, request, sent.get("token", "")) else EXPIRED
        )

    return page_handler(hub, checked, permission)


async def visitor_of(hub: CallContext, request: Request) -> Visitor | None:
    """The visitor of a session whose key is still valid. Raises StorageError where the books cannot be read."""
    session = session_of(hub, request)
    if session is None:
        return None
    caller = await caller_of(hub, session.fingerprint)
    if not isinstance(caller, Caller):
        return None
    seen = msgspec.structs.replace(caller, user=caller.account)  # A key that a team pays for sees the team.
    return Visitor(caller=seen, session=session, url=url_of(request))


async def _answer(
    hub: CallContext, page: Page, permission: Permission | None, visitor: Visitor, request: Request
) -> Answer:
    if permission is not None and (refusal := visitor.refusal(permission)) is not None:
        return refusal
    return await page(hub, visitor, request)


def reply_of(request: Request, visitor: Visitor, answer: Answer) -> Reply:
    """The reply to a visitor who is signed in."""
    if isinstance(answer, Redirect):
        return redirect(request, answer.to)
    if isinstance(answer, Download):
        if not isinstance(answer.content, bytes):
            request.watch()  # A file is made only as long as its caller listens.
        kept = (("content-disposition", f'attachment; filename="{answer.name}"'), ("x-request-id", request.id))
        headers = (*SECURITY, ("content-type", answer.content_type), *kept)
        return Reply(status=200, headers=headers, body=answer.content)
    view = answer if isinstance(answer, View) else refused(answer)
    common = {
        "visitor": visitor,
        "menu": menu_of(visitor, request.path),
        "token": visitor.session.token,
        "url": visitor.url,
    }
    return _html(request, view, common)


def plain_reply(request: Request, view: View) -> Reply:
    """The reply to a visitor who is not signed in."""
    return _html(request, view, {"visitor": None, "menu": (), "token": "", "url": url_of(request)})


def redirect(request: Request, to: str, cookie: str | None = None) -> Reply:
    """The reply that leads to another page, by GET."""
    headers = (*SECURITY, ("location", to), ("x-request-id", request.id))
    return Reply(status=303, headers=headers, body=b"", cookie=cookie)


def refused(refusal: Refusal) -> View:
    """The page of a refusal."""
    if isinstance(refusal, NotFound):
        title = "Not found"
    else:
        title = "Check the request" if isinstance(refusal, BadRequest) else "Not possible"
    error = error_of(refusal)
    return View(template="message.html", title=title, values={"text": error.message}, status=error.status)


def is_trusted(visitor: Visitor, request: Request, token: str) -> bool:
    """Whether a request that changes something was made by a page of this session."""
    return is_same_site(request) and _same(token, visitor.session.token)


def _same(one: str, other: str) -> bool:
    from hmac import compare_digest

    return compare_digest(one.encode(), other.encode())


def _to_sign_in(request: Request) -> Reply:
    from urllib.parse import quote

    wanted = f"{request.path}?{request.query}" if request.query else request.path
    to = f"{SIGN_IN}?next={quote(wanted, safe='')}" if request.method == "GET" and wanted != "/dashboard" else SIGN_IN
    if "hx-request" in request.headers:  # It replaces a part of a page; the browser must leave the page.
        return Reply(status=200, headers=(*SECURITY, ("hx-redirect", to), ("x-request-id", request.id)), body=b"")
    return redirect(request, to)


def _html(request: Request, view: View, common: Mapping[str, Any]) -> Reply:
    body = render(view.template, {**common, "title": view.title, "path": request.path, **view.values})
    headers = (*SECURITY, ("content-type", "text/html; charset=utf-8"), ("x-request-id", request.id))
    return Reply(status=view.status, headers=headers, body=body)
