"""Everything about a provider that is the same for every call, made once and cached.

A secret is unsealed only here. It goes into the headers, and `ProviderName` removes it from everything that the
provider returns.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from urllib.parse import quote

import httpx2
import msgspec

from adapters.providers.dialect import Headers, ProviderDialect
from adapters.providers.provider_name import ProviderName
from adapters.providers.transport import Http1Transport
from adapters.providers.transport.answer import Answer
from domain.catalog.vendor import Vendor
from domain.catalog.vendors import vendor_of
from domain.failures import Failure
from domain.model_api.call import Target
from ports.vault import Vault, VaultError

_LINES_MAX = 1024

# Provider, base URL, dialect, credential id, sealed secret, model, whether the answer streams.
_Key = tuple[str, str, str, str | None, bytes | None, str, bool]


class Line(msgspec.Struct, frozen=True):
    """Everything about a provider that is the same for every call: its address and its authentication."""

    dialect: ProviderDialect
    transport: httpx2.AsyncBaseTransport
    url: httpx2.URL
    headers: httpx2.Headers
    provider: ProviderName
    vendor: Vendor
    # Sends a body with these headers, within seconds for the connection and for each wait. None: it takes a Request.
    post: Callable[[bytes, float, float], Awaitable[Answer]] | None = None

    def __repr__(self) -> str:
        return f"Line({self.provider!r})"


class Lines:
    """The cached lines. `local` are transports by URL scheme for providers that run in this process."""

    def __init__(
        self,
        transport: httpx2.AsyncBaseTransport,
        local: Mapping[str, httpx2.AsyncBaseTransport],
        vault: Vault,
        dialects: Mapping[str, ProviderDialect],
    ) -> None:
        self._transport = transport
        self._local = local
        self._vault = vault
        self._dialects = dialects
        self._lines: dict[_Key, Line] = {}

    def to(self, target: Target, stream: bool) -> Line | Failure:
        """Return the line to a target.

        It is cached, because unsealing and parsing cost more than the rest of a call.
        """
        key = (
            target.provider,
            target.base_url,
            target.dialect,
            target.credential_id,
            target.sealed,
            target.model,
            stream,
        )
        if (line := self._lines.get(key)) is not None:
            return line
        found = self._line(target, stream)
        if isinstance(found, Line):
            if len(self._lines) >= _LINES_MAX:
                self._lines.pop(next(iter(self._lines)))
            self._lines[key] = found
        return found

    def _line(self, target: Target, stream: bool) -> Line | Failure:
        dialect = self._dialects[target.dialect]
        secret = None
        if target.sealed is not None:
            try:
                secret = self._vault.unseal(target.sealed, f"credential:{target.credential_id}").decode()
            except (VaultError, UnicodeDecodeError):
                message = f"the credential {target.credential_id} of provider {target.provider} cannot be unsealed"
                return Failure(kind="credential_rejected", message=message, code="credential_unreadable")
        url = address(target, dialect.path(target.model, stream))
        if isinstance(url, Failure):
            return url
        headers = {
            "host": url.netloc.decode(),
            "content-type": "application/json",
            "accept": "application/json",
            "accept-encoding": "identity",  # The bytes are read as they come.
            "user-agent": "aihub",
            **dict(_keyed(dialect.headers(secret), vendor_of(target.provider, target.base_url), secret)),
        }
        vendor = vendor_of(target.provider, target.base_url)
        transport = self._local.get(url.scheme, self._transport)
        sent = httpx2.Headers([(name.encode(), value.encode()) for name, value in headers.items()])
        name = ProviderName(f"provider {target.provider} ({url.netloc.decode()})", secret)
        return Line(dialect, transport, url, sent, name, vendor, _post(dialect, transport, url, sent))


def _post(
    dialect: ProviderDialect, transport: httpx2.AsyncBaseTransport, url: httpx2.URL, headers: httpx2.Headers
) -> Callable[[bytes, float, float], Awaitable[Answer]] | None:
    """Return the short way to the provider, where its requests differ in the body alone."""
    if dialect.sign is not None or not isinstance(transport, Http1Transport):
        return None
    try:
        return partial(transport.post, transport.prepare(url, headers))
    except httpx2.TransportError:
        return None  # The long way reports it.


def address(target: Target, path: str) -> httpx2.URL | Failure:
    """Return the URL for a path of the target's API."""
    base, _, query = target.base_url.partition("?")  # Azure's API version is in the query,
    base = base.replace("{model}", quote(target.model, safe=""))  # and its deployment in the path.
    if query:
        path += f"{'&' if '?' in path else '?'}{query}"
    try:
        url = httpx2.URL(f"{base.rstrip('/')}/{path}")
    except httpx2.InvalidURL:
        return Failure(kind="unreachable", message=f"the base URL of provider {target.provider} is not a URL")
    if url.userinfo:  # Error texts contain URLs, and this password could not be removed from them.
        message = f"the base URL of provider {target.provider} must not carry a user name or password"
        return Failure(kind="unreachable", message=message)
    return url


def _keyed(headers: Headers, vendor: Vendor, secret: str | None) -> Headers:
    """Return the headers with the key where the vendor expects it (Azure: `api-key`)."""
    if secret is None or vendor.key_header == "authorization":
        return headers
    others = tuple(pair for pair in headers if pair[0] != "authorization")
    return (*others, (vendor.key_header, secret))
