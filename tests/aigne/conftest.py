"""One hub for the contract, on the books of the behaviour tests."""

import shutil
import time
from collections.abc import Iterator

import msgspec
import pytest

from tests.behaviour.conftest import ENVIRONMENT, Books, books, people, providers
from tests.behaviour.conftest import stub as stub
from tests.behaviour.plain_calls import CHAT, ask, openai_body
from tests.behaviour.stub import Stub
from tests.support.hub import HubProcess

__all__ = ["books", "people", "providers", "stub"]
APP = "did:abt:shop"


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """What the contract's requests are about: ids and moments in seconds."""

    call: str
    credential: str
    rate: str
    before_s: int
    after_s: int


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory, books: Books) -> Iterator[HubProcess]:
    """A hub that serves; at the end its sums and its ledger add up."""
    data_dir = tmp_path_factory.mktemp("contract") / "data"
    shutil.copytree(books.data_dir, data_dir)
    running = HubProcess(data_dir, env=ENVIRONMENT)
    running.start()
    try:
        yield running
        assert running.cli("ledger", "verify")["ok"]
        assert running.cli("stats", "verify")["ok"]
    finally:
        running.stop()


@pytest.fixture
def made(hub: HubProcess, stub: Stub) -> Made:
    """A call of the owner by an app, and one by the key alone."""
    before_s = int(time.time())
    ids = [
        ask(hub, CHAT, openai_body("oai/m"), headers=headers).header("x-request-id")
        for headers in ({}, {"x-aigne-hub-client-did": APP})
    ]
    credential = ask(hub, "/api/ai-providers?name=left").json()[0]["credentials"][0]
    rate = ask(hub, "/api/ai-providers/oai/model-rates").json()[0]
    after_s = int(time.time())
    return Made(call=str(ids[-1]), credential=credential["id"], rate=rate["id"], before_s=before_s, after_s=after_s)
