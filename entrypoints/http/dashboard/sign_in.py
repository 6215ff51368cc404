"""Signing in with an API key or with a one-time link, and signing out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs

from domain.accounts.identity import Caller
from domain.refusals import StorageUnavailable
from entrypoints.http.dashboard.forms import read_form
from entrypoints.http.dashboard.page import (
    SIGN_IN,
    View,
    is_trusted,
    plain_reply,
    redirect,
    refused,
    visitor_of,
)
from entrypoints.http.dashboard.session import cookie_of, ended_cookie, is_same_site, new_session
from entrypoints.http.dashboard.sign_in_attempts import SignInAttempts
from entrypoints.http.wire import Handler, Reply, Request
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.identity import caller_of
from entrypoints.usecases.manage.sign_in_link import use_link
from ports.books import StorageError

HOME = "/dashboard"
_NO_KEY = "Enter an API key of this hub."
_ELSEWHERE = "The request came from another site. Open this page again and sign in here."
_USED = "The link was used already, or is older than 15 minutes. Sign in with an API key."


def sign_in_page(hub: CallContext) -> Handler:
    """`GET /dashboard/sign-in`."""

    @asynccontextmanager
    async def handle(request: Request) -> AsyncIterator[Reply]:
        yield plain_reply(request, _form(_next(request)))

    return handle


def sign_in(hub: CallContext, attempts: SignInAttempts) -> Handler:
    """`POST /dashboard/sign-in`: an API key becomes the cookie of a session."""

    @asynccontextmanager
    async def handle(request: Request) -> AsyncIterator[Reply]:
        sent, now_ms = _sent(request), hub.clock.now_ms()
        address, wanted = _address(request), sent.get("next", "")
        if (wait_ms := attempts.wait_ms(address, now_ms)) > 0:
            seconds = -(-wait_ms // 1000)
            yield plain_reply(request, _form(wanted, f"Too many attempts. Wait {seconds} seconds.", 429))
            return
        key = sent.get("key", "").strip()
        if not key or not is_same_site(request):
            yield plain_reply(request, _form(wanted, _NO_KEY if not key else _ELSEWHERE, 400))
            return
        try:
            caller = await caller_of(hub, fingerprint := hub.vault.fingerprint(key))
        except StorageError as problem:
            yield plain_reply(request, refused(StorageUnavailable(reason=str(problem))))
            return
        if not isinstance(caller, Caller):
            attempts.failed(address, now_ms)
            why = "is unknown" if caller.reason == "unknown" else f"is not valid: {caller.reason}"
            yield plain_reply(request, _form(wanted, f"This API key {why}.", 401))
            return
        yield redirect(request, _inside(wanted), cookie_of(hub, new_session(hub, fingerprint), request))

    return handle


def link_page(hub: CallContext) -> Handler:
    """`GET /dashboard/sign-in/{link}`: a button, since programs that preview links must not use it up."""

    @asynccontextmanager
    async def handle(request: Request) -> AsyncIterator[Reply]:
        link = request.path_values["link"]
        yield plain_reply(request, View(template="link.html", title="Sign in", values={"link": link, "error": ""}))

    return handle


def use_sign_in_link(hub: CallContext, attempts: SignInAttempts) -> Handler:
    """`POST /dashboard/sign-in/{link}`: the link becomes a session, once."""

    @asynccontextmanager
    async def handle(request: Request) -> AsyncIterator[Reply]:
        address, now_ms = _address(request), hub.clock.now_ms()
        fingerprint: str | None = None
        try:
            if is_same_site(request) and not attempts.wait_ms(address, now_ms):
                fingerprint = await use_link(hub, request.path_values["link"])
        except StorageError as problem:
            yield plain_reply(request, refused(StorageUnavailable(reason=str(problem))))
            return
        if fingerprint is None:
            attempts.failed(address, now_ms)
            yield plain_reply(request, _form("", _USED, 401))
            return
        yield redirect(request, HOME, cookie_of(hub, new_session(hub, fingerprint), request))

    return handle


def sign_out(hub: CallContext) -> Handler:
    """`POST /dashboard/sign-out`."""

    @asynccontextmanager
    async def handle(request: Request) -> AsyncIterator[Reply]:
        try:
            visitor = await visitor_of(hub, request)
        except StorageError:
            visitor = None
        trusted = visitor is not None and is_trusted(visitor, request, _sent(request).get("token", ""))
        yield redirect(request, SIGN_IN if trusted else HOME, ended_cookie(request) if trusted else None)

    return handle


def _form(wanted: str, error: str = "", status: int = 200) -> View:
    return View(template="sign_in.html", title="Sign in", values={"next": wanted, "error": error}, status=status)


def _sent(request: Request) -> dict[str, str]:
    try:
        return read_form(request.body)
    except ValueError:
        return {}


def _next(request: Request) -> str:
    return parse_qs(request.query).get("next", [""])[-1]


def _inside(wanted: str) -> str:
    """The page that was wanted, if it is one of the dashboard; no other address is ever followed."""
    is_page = wanted.startswith(f"{HOME}/") and all(32 < ord(letter) < 127 and letter != "\\" for letter in wanted)
    return wanted if is_page else HOME


def _address(request: Request) -> str:
    """The other end of the connection, and what the nearest proxy reports about its own."""
    return f"{request.address} {request.headers.get('x-forwarded-for', '').rpartition(',')[2].strip()}"
