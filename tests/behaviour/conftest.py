"""One set of books, made once by the command line, and a hub on a copy of it for each interface.

Every test that takes `hub` runs on all three. After it nothing is held, and what reached the providers bore nothing
of the caller's.
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import msgspec
import pytest

from tests.behaviour.plain_calls import wallet
from tests.behaviour.stub import SECRETS, Stub
from tests.support.hub import HubProcess

INTERFACES = (
    "asgi",
    "wsgi",
    "lambda",
    pytest.param("uvloop", marks=pytest.mark.skipif(find_spec("uvloop") is None, reason="uvloop is not installed")),
    pytest.param("aiohttp", marks=pytest.mark.skipif(find_spec("aiohttp") is None, reason="aiohttp is not installed")),
)
# What a transport may do wrong shows in these; the other files would run the same code once more.
ON_OTHER_TRANSPORTS = frozenset(
    f"tests.behaviour.test_{name}"
    for name in ("openai_sdk", "anthropic_sdk", "broken_streams", "provider_errors", "pass_through")
)
RATE = ("--input", "1", "--output", "2", "--context", "128000", "--max-output", "4096")
DIALECTS = {
    "ant": "anthropic",
    "rsp": "openai-responses",
    "voy": "voyage",
    "ideo": "ideogram",
    "goo": "google",
}
BODY_BYTES_MAX = 1_000_000
ENVIRONMENT = {
    # Longer than a pause of the tests' own process on a busy machine; the tests of silent providers wait this long.
    "AIHUB_UPSTREAM_TIMEOUT_S": "5",
    "AIHUB_MAX_RETRIES": "1",
    "AIHUB_JOB_POLL_S": "0",
    "AIHUB_BODY_BYTES_MAX": str(BODY_BYTES_MAX),
    "CREDIT_PAYMENT_LINK": "https://pay.example.com/credit",
    "AIHUB_CORS_ORIGINS": "https://app.example.com, app://notes.md",
}


class People(msgspec.Struct, frozen=True, kw_only=True):
    """Keys that authenticate, or did: a guest with credit, one without any, one with
    too little for the longest answer, and one that was revoked."""

    guest: str
    poor: str
    small: str
    revoked: str


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """A data directory to copy, and who is in it."""

    data_dir: Path
    people: People


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests on uvloop and with aiohttp, but for the files in `ON_OTHER_TRANSPORTS`."""
    left_out = [item for item in items if _is_left_out(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not _is_left_out(item)]


def _is_left_out(item: pytest.Item) -> bool:
    callspec = getattr(item, "callspec", None)
    if callspec is None or item.module.__name__ in ON_OTHER_TRANSPORTS:  # type: ignore[attr-defined]
        return False
    return callspec.params.get("served") in ("uvloop", "aiohttp")


@pytest.fixture(scope="session")
def providers() -> Iterator[Stub]:
    """The stub providers, for the whole run."""
    stub = Stub()
    stub.start()
    yield stub
    stub.stop()


@pytest.fixture(scope="session")
def books(tmp_path_factory: pytest.TempPathFactory, providers: Stub) -> Books:
    """Providers `oai`, `ant`, `pair`, `left` and `right` with a rate each for the model `m`, and people."""
    operator = HubProcess(tmp_path_factory.mktemp("books") / "data", env=ENVIRONMENT)
    commands: list[Sequence[str]] = []
    for name, secrets in SECRETS.items():
        dialect = DIALECTS.get(name, "openai")
        commands.append(["provider", "add", name, "--dialect", dialect, "--base-url", providers.url(name)])
        commands += [[f"secret={secret}", "credential", "add", name] for secret in secrets]
    models = (
        "oai/m",
        "oai/org/model",
        "ant/m",
        "rsp/m",
        "pair/m",
        "left/duplicate",
        "right/duplicate",
        "voy/m",
        "goo/gem",
    )
    commands += [["rate", "set", model, *RATE] for model in models]
    # A credit per thousand characters, a hundredth for a second; tokens at 1 and 2.
    commands.append(["rate", "set", "oai/painter", "--input", "5", "--output", "40", "--input-image", "10"])
    commands.append(["rate", "set", "ideo/ideogram-v3", "--image", "0.06"])
    commands.append(["rate", "set", "oai/dall", "--image", "0.04"])
    commands.append(
        [
            "rate",
            "set",
            "oai/sized",
            "--image",
            "0.04",
            "--image-at",
            "1024x1536=0.08",
            "--image-at",
            "1024x1536/hd=0.12",
        ]
    )
    commands.append(["rate", "set", "oai/video", "--video-second", "0.1", "--video-second-at", "1024p=0.5"])
    commands.append(["rate", "set", "oai/ranker", "--search-unit", "0.002"])
    commands.append(["rate", "set", "oai/tts", "--character", "1000"])
    commands.append(["rate", "set", "oai/whisper", "--second", "0.01"])
    commands.append(["rate", "set", "oai/listener", *RATE, "--input-audio", "4"])
    commands.append(["rate", "set", "oai/speaker", *RATE, "--output-audio", "12"])
    commands.append(["rate", "set", "oai/omni-moderation-latest", "--input", "0", "--output", "0"])
    names = ("guest", "poor", "small", "revoked")
    commands += [["user", "add", name] for name in names]
    commands += [["credit", "grant", *grant] for grant in (("guest", "1000"), ("owner", "1000"), ("small", "0.004"))]
    operator.script(*commands)
    made = [
        json.loads(reported)
        for reported in operator.script(*(["key", "create", "--user", name, "--json"] for name in names))
    ]
    operator.cli("key", "revoke", made[-1]["id"])
    people = People(**{name: key["key"] for name, key in zip(names, made, strict=True)})
    providers.forbidden = {operator.key, *(key["key"] for key in made)}
    return Books(data_dir=operator.data_dir, people=people)


@pytest.fixture(scope="session")
def people(books: Books) -> People:
    return books.people


@pytest.fixture(scope="session", params=INTERFACES)
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, books: Books
) -> Iterator[HubProcess]:
    """A hub that serves, billing on, on books of its own; at the end they add up."""
    data_dir = tmp_path_factory.mktemp(request.param) / "data"
    shutil.copytree(books.data_dir, data_dir)
    if request.param == "aiohttp":
        running = HubProcess(data_dir, env={**ENVIRONMENT, "AIHUB_TRANSPORT": "aiohttp"})
    else:
        running = HubProcess(data_dir, request.param, env=ENVIRONMENT)
    running.start()
    try:
        yield running
        verified = running.cli("ledger", "verify")
        assert running.cli("stats", "verify")["ok"]
    finally:
        running.stop()
    assert (True, 0) == (verified["ok"], verified["open_holds"])


@pytest.fixture
def stub(providers: Stub) -> Iterator[Stub]:
    """The providers, polite until the test scripts them; checked afterwards."""
    providers.reset()
    yield providers
    providers.check()
    providers.reset()


@pytest.fixture
def hub(served: HubProcess, stub: Stub) -> Iterator[HubProcess]:
    """The hub; whatever a test does with it, nothing is held afterwards."""
    yield served
    assert "0" == wallet(served)["held"]


@pytest.fixture
def nothing_moves(hub: HubProcess, stub: Stub) -> Iterator[None]:
    """The test costs nothing and reaches no provider."""
    before = wallet(hub)
    yield
    assert before == wallet(hub)
    assert [] == stub.requests


@pytest.fixture
def free(hub: HubProcess) -> Iterator[None]:
    """Whatever happens in the test costs nothing."""
    before = wallet(hub)
    yield
    assert before == wallet(hub)
