"""Send messages to the operator's webhook over the transport of the providers.

Unless the operator allows private addresses, a name must lead to public ones alone. Weak spot: it is resolved once for
this check and again for the connection, so a name server that answers differently can evade it.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Mapping

import httpx2

from ports.webhooks import Sent

# Within what the Standard Webhooks specification suggests: 15 to 30 seconds.
TIMEOUT_S = 15.0


class HttpWebhooks:
    """Sends messages. `private`: also to loopback and private addresses."""

    def __init__(self, transport: httpx2.AsyncBaseTransport, private: bool) -> None:
        self._transport = transport
        self._private = private

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Sent:
        """Return the outcome, within `TIMEOUT_S`."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await self._posted(url, headers, body)
        except TimeoutError:
            return Sent(error=f"no answer within {TIMEOUT_S:.0f} seconds")
        except httpx2.HTTPError as error:
            return Sent(error=f"it cannot be reached: {error}")

    async def _posted(self, url: str, headers: Mapping[str, str], body: bytes) -> Sent:
        parsed = httpx2.URL(url)
        if not self._private and (problem := await _private_address(parsed.host)) is not None:
            return Sent(error=problem)
        timeout = {"connect": TIMEOUT_S, "read": TIMEOUT_S}
        request = httpx2.Request("POST", parsed, headers=headers, content=body, extensions={"timeout": timeout})
        response = await self._transport.handle_async_request(request)
        await response.aclose()
        status = response.status_code
        return Sent(status=status, error=None if 200 <= status < 300 else f"it answered {status}")


async def _private_address(host: str) -> str | None:
    """Return the problem of a host that leads to an address which is not public."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        return f"{host} cannot be resolved: {error.strerror or error}"
    for *_, address in found:
        if not ipaddress.ip_address(str(address[0]).partition("%")[0]).is_global:
            return f"{host} leads to {address[0]}, which is not public; AIHUB_PRIVATE_WEBHOOKS=true allows it"
    return None
