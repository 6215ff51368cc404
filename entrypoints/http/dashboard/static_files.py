"""The stylesheet and the scripts, each at an address that contains the hash of its content, so that caches keep it.

`static/vendored.json` names the version, licence and SHA-256 of what others wrote.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path

from domain.refusals import UnknownPath
from entrypoints.http.dialects.openai_chat import OPENAI_CALLER
from entrypoints.http.replies import refuse
from entrypoints.http.wire import Reply, Request

STATIC = Path(__file__).parent / "static"
TEMPLATE = "/dashboard/static/{version}/{file}"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@cache
def content_of(name: str) -> bytes:
    """A file's content."""
    return (STATIC / name).read_bytes()


@cache
def address_of(name: str) -> str:
    """The path of a file."""
    return f"/dashboard/static/{sha256(content_of(name)).hexdigest()[:16]}/{name}"


@cache
def served() -> dict[str, str]:
    """The name of each file that is served, by its path."""
    return {address_of(path.name): path.name for path in STATIC.iterdir() if path.suffix in _TYPES}


@asynccontextmanager
async def static_handler(request: Request) -> AsyncIterator[Reply]:
    """The file at the path; its content never changes."""
    name = served().get(request.path)
    if name is None:
        yield refuse(OPENAI_CALLER, request, UnknownPath(path=request.path))
        return
    headers = (
        ("content-type", _TYPES[Path(name).suffix]),
        ("cache-control", "public, max-age=31536000, immutable"),
        ("x-content-type-options", "nosniff"),
    )
    yield Reply(status=200, headers=headers, body=content_of(name))
