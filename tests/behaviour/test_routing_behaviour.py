"""Whose turn it is, as providers see it: rotation, weights, fallback, and who rests after a failure.

Each test makes providers of its own, so that no other test's failures or turns are in the way.
"""

import itertools
import time
from collections import Counter

import pytest

from tests.behaviour.conftest import RATE
from tests.behaviour.plain_calls import CHAT, ask, openai_body
from tests.behaviour.stub import Stub, credential_of
from tests.behaviour.stub_answers import failing, openai_stream
from tests.support.hub import HubProcess
from tests.support.provider import Handler, streaming

_number = itertools.count(1)
DOWN = [failing(500), failing(503), streaming(cut=True)]


class Sold:
    """A provider of this test alone: its name and the secrets of its credentials."""

    def __init__(self, hub: HubProcess, stub: Stub, model: str, *weights: int) -> None:
        self.name = f"route{next(_number)}"
        self.secrets = [f"sk-{self.name}-secret-{n:04}" for n in range(len(weights))]
        stub.knows(self.name, *self.secrets)
        hub.script(
            ["provider", "add", self.name, "--dialect", "openai", "--base-url", stub.url(self.name)],
            ["rate", "set", f"{self.name}/{model}", *RATE],
            *(
                [f"secret={secret}", "credential", "add", self.name, "--weight", str(weight)]
                for secret, weight in zip(self.secrets, weights, strict=True)
            ),
        )


def call(hub: HubProcess, model: str, times: int = 1, stream: bool = False) -> None:
    for _ in range(times):
        assert 200 == ask(hub, CHAT, openai_body(model, stream=stream)).status


def requested(stub: Stub) -> list[str]:
    """Which provider each request went to."""
    return [request.path.split("/")[1] for request in stub.requests]


def test_credentials_take_turns_by_their_weights_exactly_in_every_cycle(hub: HubProcess, stub: Stub) -> None:
    sold = Sold(hub, stub, "m", 3, 1, 2)

    call(hub, f"{sold.name}/m", times=18)

    secrets = [credential_of(request) for request in stub.requests]
    for begin in (0, 6, 12):
        assert dict(zip(sold.secrets, (3, 1, 2), strict=True)) == Counter(secrets[begin : begin + 6])
    assert secrets[0] != secrets[1], "smooth: the heaviest does not take all of its turns at once"


def test_a_bare_model_rotates_over_the_providers_that_sell_it(hub: HubProcess, stub: Stub) -> None:
    one, other = Sold(hub, stub, "shared-a", 100), Sold(hub, stub, "shared-a", 100)

    call(hub, "shared-a", times=6)

    turns = requested(stub)
    assert {one.name: 3, other.name: 3} == Counter(turns)
    assert all(before != after for before, after in itertools.pairwise(turns))


@pytest.mark.parametrize("down", DOWN, ids=["500", "503", "cut"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_another_provider_answers_where_the_first_fails(
    hub: HubProcess, stub: Stub, down: Handler, stream: bool
) -> None:
    model = f"fallback-{next(_number)}"
    sold = {Sold(hub, stub, model, 100).name for _ in range(2)}
    stub.will(down)

    received = ask(hub, CHAT, openai_body(model, stream=stream))

    failed, answered = requested(stub)
    assert (200, sold) == (received.status, {failed, answered})
    assert answered == received.header("x-aihub-provider")
    stub.reset()
    call(hub, model, times=3, stream=stream)
    assert [answered] * 3 == requested(stub), "who failed rests while another is well"


def test_after_the_first_byte_there_is_no_fallback(hub: HubProcess, stub: Stub) -> None:
    for _ in range(2):
        Sold(hub, stub, "begun", 100)
    stub.will(streaming(*openai_stream()[:2], cut=True))

    received = ask(hub, CHAT, openai_body("begun", stream=True))

    assert (200, 1) == (received.status, len(stub.requests))
    assert b"[DONE]" not in received.body


def test_the_pause_that_a_provider_asks_for_is_kept(hub: HubProcess, stub: Stub) -> None:
    sold = Sold(hub, stub, "m", 100)
    stub.will(failing(429, retry_after="1"))
    began = time.monotonic()

    call(hub, f"{sold.name}/m")

    assert 2 == len(stub.requests)
    assert 1.0 <= time.monotonic() - began


def test_who_is_rate_limited_rests_and_the_other_credential_works_on(hub: HubProcess, stub: Stub) -> None:
    sold = Sold(hub, stub, "m", 100, 100)
    stub.will(failing(429, retry_after="30"))
    began = time.monotonic()

    call(hub, f"{sold.name}/m", times=4)

    limited, *others = [credential_of(request) for request in stub.requests]
    assert set(sold.secrets) - {limited} == set(others)
    assert 4 == len(others)
    assert time.monotonic() - began < 20, "nobody waited for the one that rests"


def test_when_all_rest_they_are_tried_all_the_same(hub: HubProcess, stub: Stub) -> None:
    """Advice orders what is tried; it never refuses."""
    sold = Sold(hub, stub, "m", 100, 100)
    stub.will(failing(429, retry_after="30"), failing(429, retry_after="30"))
    assert 429 == ask(hub, CHAT, openai_body(f"{sold.name}/m")).status

    call(hub, f"{sold.name}/m")

    assert 3 == len(stub.requests)


def test_a_credential_that_was_rejected_or_removed_is_never_used_again(hub: HubProcess, stub: Stub) -> None:
    sold = Sold(hub, stub, "m", 100, 100, 100)
    stub.will(failing(401))
    call(hub, f"{sold.name}/m")
    rejected = credential_of(stub.requests[0])
    held = [row for row in hub.cli("credential", "list") if row["provider"] == sold.name and row["active"]]
    assert 2 == len(held)
    hub.cli("credential", "remove", held[0]["id"])
    stub.reset()

    call(hub, f"{sold.name}/m", times=4)

    used = {credential_of(request) for request in stub.requests}
    assert 1 == len(used)
    assert used < set(sold.secrets) - {rejected}


def test_what_an_operator_changes_holds_for_the_next_call(hub: HubProcess, stub: Stub) -> None:
    sold = Sold(hub, stub, "m", 100)
    model = f"{sold.name}/m"
    call(hub, model)

    hub.cli("rate", "remove", model)
    assert (404, "model_not_found") == _refused(hub, model)
    hub.cli("rate", "set", model, "--input", "1", "--output", "1", "--context", "900", "--max-output", "9")
    call(hub, model)
    hub.cli("provider", "remove", sold.name)
    assert (404, "model_not_found") == _refused(hub, model)


def _refused(hub: HubProcess, model: str) -> tuple[int, str]:
    received = ask(hub, CHAT, openai_body(model))
    return received.status, received.json()["error"]["code"]
