"""The session of a signed-in browser: a cookie that the hub's vault has sealed.

It holds the fingerprint of the key that signed in, and no key. Every request looks the caller up again, so a session
ends with its key: revoked, expired or disabled, by itself or with its user.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from http.cookies import CookieError, SimpleCookie

import msgspec

from entrypoints.http.wire import Request
from entrypoints.usecases.call_context import CallContext
from ports.vault import VaultError

COOKIE = "aihub_session"
PATH = "/dashboard"
LASTS_S = 12 * 3600
_ROW = "dashboard session"


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """The fingerprint of the key that signed in, when the session ends, and the token that forms must carry."""

    fingerprint: str
    expires_ms: int
    token: str


_DECODER = msgspec.json.Decoder(Session)


def new_session(hub: CallContext, fingerprint: str) -> Session:
    """A session that begins now."""
    expires_ms = hub.clock.now_ms() + LASTS_S * 1000
    return Session(fingerprint=fingerprint, expires_ms=expires_ms, token=hub.ids.secret())


def session_of(hub: CallContext, request: Request) -> Session | None:
    """The session in the request's cookie; None if there is none, or it is not the hub's own, or it has ended."""
    try:
        morsel = SimpleCookie(request.headers.get("cookie", "")).get(COOKIE)
        if morsel is None or not morsel.value:
            return None
        sealed = urlsafe_b64decode(morsel.value)
        session = _DECODER.decode(hub.vault.unseal(sealed, _ROW))
    except (CookieError, binascii.Error, ValueError, VaultError, msgspec.MsgspecError):
        return None
    return session if session.expires_ms > hub.clock.now_ms() else None


def cookie_of(hub: CallContext, session: Session, request: Request) -> str:
    """The value of `set-cookie` for a session."""
    sealed = urlsafe_b64encode(hub.vault.seal(msgspec.json.encode(session), _ROW)).decode()
    return _cookie(sealed, LASTS_S, request)


def ended_cookie(request: Request) -> str:
    """The value of `set-cookie` that ends the session."""
    return _cookie("", 0, request)


def _cookie(value: str, lasts_s: int, request: Request) -> str:
    secure = "; Secure" if scheme_of(request) == "https" else ""
    return f"{COOKIE}={value}; Path={PATH}; Max-Age={lasts_s}; HttpOnly; SameSite=Strict{secure}"


def scheme_of(request: Request) -> str:
    """`https` where the hub, or the proxy before it, was reached by TLS; else `http`."""
    return "https" if request.headers.get("x-forwarded-proto", "").split(",")[0].strip() == "https" else "http"


def url_of(request: Request) -> str:
    """The base URL by which the visitor reaches the hub."""
    return f"{scheme_of(request)}://{request.headers.get('host', 'localhost')}"


def is_same_site(request: Request) -> bool:
    """Whether a request that changes something comes from a page of this hub, as far as the browser reports it.

    https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    return origin is None or origin.partition("://")[2] == request.headers.get("host")
