"""The API key of a request: SDKs use different headers for it, and some send two keys, one of them the hub's."""

from domain.accounts.identity import Caller
from domain.refusals import InvalidKey, MissingKey, StorageUnavailable
from entrypoints.http.wire import Request
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.identity import caller_of
from ports.books import StorageError

# Besides `Authorization: Bearer`: Anthropic's, Azure's and Google's.
_PLAIN = ("x-api-key", "api-key", "x-goog-api-key")


def keys_of(request: Request) -> list[str]:
    """Every key in the request, each once: those of `Authorization` first."""
    headers = request.headers
    found = []
    for line in headers.get("authorization", "").split(","):  # Repeated lines are joined.
        scheme, _, key = line.strip().rpartition(" ")
        # Some clients leave out the scheme, and some write it twice.
        if key and set(scheme.lower().split()) <= {"bearer"} and key.lower() != "bearer":
            found.append(key)
    for name in _PLAIN:
        if name in headers and (key := headers[name].strip()) and key not in found:
            found.append(key)
    return found


async def fingerprint_of(hub: CallContext, request: Request) -> str | MissingKey:
    """The fingerprint of the request's key; with several keys, that of the first valid one, else of one that was valid.

    Claude Code sends Anthropic's `Authorization` in addition to the configured `x-api-key`, and some proxies add a key
    of their own. Where no key is known, the first is returned, which is then refused. The books are read only where
    there are several keys.
    """
    if request.fingerprint is not None:
        return request.fingerprint
    prints = [hub.vault.fingerprint(key) for key in keys_of(request)]
    if not prints:
        return MissingKey()
    if len(prints) > 1:
        try:
            callers = [(fingerprint, await caller_of(hub, fingerprint)) for fingerprint in prints]
        except StorageError:
            return prints[0]  # The next read of the books reports the error.
        valid = [fingerprint for fingerprint, caller in callers if isinstance(caller, Caller)]
        known = [
            fingerprint
            for fingerprint, caller in callers
            if isinstance(caller, InvalidKey) and caller.reason != "unknown"
        ]
        return next(iter((*valid, *known)), prints[0])
    return prints[0]


async def caller_of_request(
    hub: CallContext, request: Request
) -> Caller | MissingKey | InvalidKey | StorageUnavailable:
    """The caller whose key is in the request, read again, or the reason why there is none."""
    fingerprint = await fingerprint_of(hub, request)
    if not isinstance(fingerprint, str):
        return fingerprint
    try:
        return await caller_of(hub, fingerprint)
    except StorageError as problem:
        return StorageUnavailable(reason=str(problem))
