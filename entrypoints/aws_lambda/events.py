"""What Lambda invokes the function with: a request to its URL (payload format 2.0), or the scheduled sweep.

https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

import base64
import binascii
from typing import Any
from urllib.parse import unquote

import msgspec

from domain.billing.sweep import Swept

SWEEP = {"aihub": "sweep"}
"""The event of the schedule in `template.yaml`. No caller of the URL can send it: a request is within an event."""

_ASGI = {"version": "3.0", "spec_version": "2.3"}


class UnknownEvent(Exception):
    """An event that is neither a request to the function's URL nor the scheduled sweep."""


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request, as ASGI describes it, with its whole body."""

    scope: dict[str, Any]
    body: bytes


class _Http(msgspec.Struct, frozen=True, rename="camel"):
    method: str
    source_ip: str = ""


class _Context(msgspec.Struct, frozen=True):
    http: _Http


class _Event(msgspec.Struct, frozen=True, rename="camel"):
    """The fields of an event that are used. Each header arrives once, its values joined by commas."""

    request_context: _Context | None = None
    raw_path: str = "/"
    raw_query_string: str = ""
    headers: dict[str, str] = {}
    cookies: list[str] = []
    body: str | None = None
    is_base64_encoded: bool = False
    aihub: str | None = None


_EVENT = msgspec.json.Decoder(_Event)


def read_event(payload: bytes) -> HttpRequest | None:
    """Return the request in an event, None for the scheduled sweep. Raises UnknownEvent for any other event."""
    try:
        event = _EVENT.decode(payload)
        body = (event.body or "").encode()
        body = base64.b64decode(body, validate=True) if event.is_base64_encoded else body
    except (msgspec.DecodeError, UnicodeError, binascii.Error) as error:
        raise UnknownEvent(f"the event is no request to the function's URL: {error}") from None
    if event.request_context is not None:
        return HttpRequest(scope=_scope(event, event.request_context.http), body=body)
    if event.aihub == SWEEP["aihub"]:
        return None
    raise UnknownEvent(
        'the event is neither a request to the function\'s URL nor the scheduled sweep {"aihub": "sweep"}'
    )


def swept(result: Swept) -> dict[str, Any]:
    """Return the answer to the scheduled sweep: how many calls it ended as lost, and how many grants had expired."""
    return {"lost": len(result.lost), "expired_grants": len(result.expired_grants)}


def _scope(event: _Event, http: _Http) -> dict[str, Any]:
    headers = [(name.lower().encode(), _header_value(value)) for name, value in event.headers.items()]
    if event.cookies and not any(name == b"cookie" for name, _ in headers):
        headers.append((b"cookie", _header_value("; ".join(event.cookies))))
    host = event.headers.get("host", "")
    return {
        "type": "http",
        "asgi": _ASGI,
        "http_version": "1.1",
        "method": http.method,
        "scheme": "https",
        "path": unquote(event.raw_path),
        "raw_path": event.raw_path.encode(),
        "query_string": event.raw_query_string.encode(),
        "root_path": "",
        "headers": headers,
        "server": (host, 443) if host else None,
        "client": (http.source_ip, 0),
    }


def _header_value(value: str) -> bytes:
    """Return a header's value in bytes: Latin-1, as HTTP sends it, unless it has other characters."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()
