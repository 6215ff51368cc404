"""The API key of a request: SDKs differ in the header that has it, and some send two keys of which one is ours."""

from domain.accounts.identity import Caller
from domain.refusals import InvalidKey, MissingKey, StorageUnavailable
from entrypoints.http.wire import Request
from entrypoints.usecases.identity import caller_of
from entrypoints.usecases.serving_context import CallContext
from ports.books import StorageError

# Beside `Authorization: Bearer`: Anthropic's, Azure's and Google's.
_PLAIN = ("x-api-key", "api-key", "x-goog-api-key")


def keys_of(request: Request) -> list[str]:
    """Every key that the request brings, each once: those of `Authorization: Bearer` first."""
    headers = request.headers
    found = []
    for line in headers.get("authorization", "").split(","):  # Repeated lines are joined.
        scheme, _, key = line.strip().partition(" ")
        if scheme.lower() == "bearer" and (key := key.strip()):
            found.append(key)
    for name in _PLAIN:
        if name in headers and (key := headers[name].strip()) and key not in found:
            found.append(key)
    return found


async def fingerprint_of(hub: CallContext, request: Request) -> str | MissingKey:
    """The fingerprint of the request's key; of several, of the first that is valid, else of one that was revoked.

    Claude Code sends `Authorization` of Anthropic's beside the `x-api-key` that it was given, and some proxies add a
    key of their own. Where none is valid, the first is the one to complain about. Only several keys cost a look at the
    books.
    """
    prints = [hub.vault.fingerprint(key) for key in keys_of(request)]
    if not prints:
        return MissingKey()
    if len(prints) > 1:
        try:
            callers = [(fingerprint, await caller_of(hub, fingerprint)) for fingerprint in prints]
        except StorageError:
            return prints[0]  # What asks the books next says that they cannot be read.
        valid = [fingerprint for fingerprint, caller in callers if isinstance(caller, Caller)]
        revoked = [fingerprint for fingerprint, caller in callers if isinstance(caller, InvalidKey) and caller.revoked]
        return next(iter((*valid, *revoked)), prints[0])
    return prints[0]


async def presented(hub: CallContext, request: Request) -> Caller | MissingKey | InvalidKey | StorageUnavailable:
    """The caller whose key the request brings, looked up now; else why there is none."""
    fingerprint = await fingerprint_of(hub, request)
    if not isinstance(fingerprint, str):
        return fingerprint
    try:
        return await caller_of(hub, fingerprint)
    except StorageError as problem:
        return StorageUnavailable(reason=str(problem))
