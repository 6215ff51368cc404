"""The providers behind every hub of these tests: one real server in a thread, scripted by the test that runs.

A provider's name is the first part of its path, so that one port is many providers. Whatever a test does, `check`
holds every request that came against the house rule: the provider's own credential, and nothing of the caller's.
"""

from collections import deque
from collections.abc import Iterable

from tests.behaviour.stub_answers import polite
from tests.support.provider import Handler, Received, Reply
from tests.support.provider_thread import ProviderThread

SECRETS = {
    # Two each, so that a second attempt has somebody untried and need not wait.
    "oai": ("sk-oai-canary-one-7Qx2", "sk-oai-canary-two-8Qy3"),
    "ant": ("sk-ant-canary-one-9Zk4", "sk-ant-canary-two-1Zl5"),
    "pair": ("sk-pair-canary-one-1Aa", "sk-pair-canary-two-2Bb"),
    "left": ("sk-left-canary-3Cc",),
    "right": ("sk-right-canary-4Dd",),
    "rsp": ("sk-rsp-canary-one-3Rr", "sk-rsp-canary-two-4Rs"),
    "ideo": ("ideo-canary-one-7Gg", "ideo-canary-two-8Hh"),
    "goo": ("goo-canary-one-9Ii", "goo-canary-two-1Jj"),
    "voy": ("pa-voy-canary-one-5Ee", "pa-voy-canary-two-6Ff"),
}


class Stub(ProviderThread):
    """The server, what it will answer next, and what it was asked."""

    def __init__(self) -> None:
        super().__init__("stub providers")
        self.forbidden: set[str] = set()
        self._script: deque[Handler] = deque()
        self._always: Handler = polite
        self._seen: list[Received] = []
        self._known: dict[str, set[str]] = {name: set(secrets) for name, secrets in SECRETS.items()}

    def url(self, provider: str) -> str:
        """The base URL of a provider."""
        return f"http://127.0.0.1:{self.port}/{provider}/v1"

    def knows(self, provider: str, *secrets: str) -> None:
        """From now on these secrets are the provider's."""
        self._known.setdefault(provider, set()).update(secrets)

    def will(self, *handlers: Handler) -> None:
        """Answer the next requests so, one handler each, and those after them politely."""
        self._script = deque(handlers)

    def always(self, handler: Handler) -> None:
        """Answer so whatever no `will` is left for."""
        self._always = handler

    def reset(self) -> None:
        """Forget the script and what was seen."""
        self._script.clear()
        self._always = polite
        self._seen = []

    @property
    def requests(self) -> list[Received]:
        """What came since the last reset."""
        return list(self._seen)

    @property
    def only(self) -> Received:
        """The one request that came."""
        assert len(self._seen) == 1, f"{len(self._seen)} requests reached the provider"
        return self._seen[0]

    def check(self) -> None:
        """Every request bore its provider's credential as its dialect does, and nothing of any caller's."""
        for request in self._seen:
            provider = request.path.split("/")[1]
            said = request.headers | {"body": request.body.decode("utf-8", "replace")}
            leaked = [name for name, value in said.items() for secret in self.forbidden if secret in value]
            assert leaked == [], f"a secret of a caller went upstream in {leaked}"
            if provider == "ideo":
                assert request.headers["api-key"] in self._known[provider]
                assert "authorization" not in request.headers
            elif provider == "goo":
                assert request.headers["x-goog-api-key"] in self._known[provider]
                assert "authorization" not in request.headers
            elif request.path.endswith(("/messages", "/messages/count_tokens")):
                assert request.headers["x-api-key"] in self._known[provider]
                assert "authorization" not in request.headers
            else:
                scheme, _, secret = request.headers["authorization"].partition(" ")
                assert ("Bearer", True) == (scheme, secret in self._known[provider])
                assert "x-api-key" not in request.headers

    async def _answer(self, request: Received, reply: Reply) -> None:
        self._seen.append(request)
        handler = self._script.popleft() if self._script else self._always
        await handler(request, reply)


def credential_of(request: Received) -> str:
    """The secret that the hub showed."""
    key = request.headers.get("x-api-key") or request.headers.get("x-goog-api-key")
    return key or request.headers["authorization"].removeprefix("Bearer ")


def secrets_of(providers: Iterable[str] = SECRETS) -> list[str]:
    """Every provider's secrets."""
    return [secret for name in providers for secret in SECRETS[name]]
