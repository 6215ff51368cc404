"""`/openapi.json` against what is served: requests that fit it and requests that do not, made by schemathesis.

Whatever is sent, and whoever sends it, the answer is one that the document describes, in status and in shape, and the
hub never fails. Half of the names that are drawn are names of things that exist, so that the use cases are reached.

https://schemathesis.readthedocs.io/
"""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pytest
import schemathesis.specs.openapi.schemas  # Else its first use imports it, deep in a stack that Python 3.11 rejects.
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from domain.accounts.permissions import PERMISSIONS
from entrypoints.actions.paths import Place, places
from tests.behaviour.plain_calls import CHAT, ask, openai_body
from tests.support.hub import HubProcess, running_hub

CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
# Who sends the requests; the owner sends half of them, since the others are mostly refused before a use case.
ROLES = ("owner", "owner", "owner", "admin", "guest", "nobody")
REFUSED = {"guest": 403, "nobody": 401}
# How many requests that fit the document, and as many that do not, are sent to an operation.
EXAMPLES, EXAMPLES_OF_SOAK = 4, 100


class Served(msgspec.Struct, frozen=True):
    """The document of a hub with one thing of each kind, a key for each role, and the names of what exists."""

    document: Any
    keys: Mapping[str, str]
    known: Mapping[str, list[str]]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with running_hub(tmp_path_factory.mktemp("document") / "data") as hub:
        keys = {"nobody": ""}
        for role in ("owner", "admin", "guest"):
            hub.cli("user", "add", f"test-{role}", "--role", role)
            keys[role] = hub.cli("key", "create", "--user", f"test-{role}", "--purpose", "management")["key"]
        document = schemathesis.openapi.from_url(f"{hub.url}/openapi.json")
        document.config.generation.update(with_security_parameters=False)  # The key is that of the role.
        yield Served(document, keys, things(hub))


def things(hub: HubProcess) -> dict[str, list[str]]:
    """Make one thing of each kind; their names by the fields that name them."""
    hub.cli("user", "add", "ann")
    hub.cli("credit", "grant", "ann", "5")
    key = hub.cli("key", "create", "--user", "ann")
    hub.add_provider("acme", "http://127.0.0.1:9/v1", model="m")
    credential = hub.cli("credential", "list")[0]["id"]
    hub.cli("alias", "set", "fast", "--to", "echo/echo")
    limit = hub.cli("limit", "set", "--user", "ann", "--measure", "requests", "--amount", "100")["id"]
    budget = hub.cli("budget", "set", "--user", "ann", "--amount", "5", "--period", "month")["id"]
    call = ask(hub, CHAT, openai_body("echo"), key=key["key"], headers={"x-aihub-run": "run-1"})
    assert call.status == 200, call.body
    return {
        "user": ["ann"],
        "name": ["ann", "acme", "fast"],
        "provider": ["acme"],
        "model": ["acme/m", "echo/echo", "fast"],
        "run": ["run-1"],
        "key": [key["id"]],
        "id": [key["id"], credential, limit, budget, str(call.header("x-request-id"))],
        "before": [str(call.header("x-request-id"))],
        "target": ["echo/echo"],
    }


@pytest.mark.parametrize("place", places(), ids=lambda place: f"{place.method} {place.template}")
def test_every_answer_is_one_that_the_document_describes(served: Served, place: Place) -> None:
    send_all(served, place, EXAMPLES)


@pytest.mark.soak
@pytest.mark.parametrize("place", places(), ids=lambda place: f"{place.method} {place.template}")
def test_every_answer_to_many_requests_is_one_that_the_document_describes(served: Served, place: Place) -> None:
    send_all(served, place, EXAMPLES_OF_SOAK)


def send_all(served: Served, place: Place, count: int) -> None:
    """Send `count` requests that fit the document and as many that do not, in changing roles."""
    operation = served.document[place.template.replace(":path}", "}")][place.method]
    for mode in GenerationMode:

        @settings(max_examples=count, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
        @given(case=operation.as_strategy(generation_mode=mode), role=st.sampled_from(ROLES), data=st.data())
        def send(case: Case, role: str, data: st.DataObject) -> None:
            name_known_things(case, data, served.known)
            headers = {"authorization": f"Bearer {served.keys[role]}"} if served.keys[role] else {}
            received = case.call_and_validate(headers=headers, checks=CHECKS)
            assert received.status_code != 500, received.content
            # A guest is not refused where everybody may read their own things or change them.
            if role == "nobody" or not (place.action.own or "guest" in PERMISSIONS[place.action.permission]):
                assert received.status_code == REFUSED.get(role, received.status_code), received.content

        # There is no request that does not fit where an operation has no field, or one that may be any text.
        with contextlib.suppress(Unsatisfiable) if mode is GenerationMode.NEGATIVE else contextlib.nullcontext():
            send()


def name_known_things(case: Case, data: st.DataObject, known: Mapping[str, list[str]]) -> None:
    """Put names of existing things into half of the requests, where a text would stand, and no condition."""
    if not data.draw(st.booleans()):
        return
    case.headers.pop("If-Match", None)
    for fields in (case.path_parameters, case.query, case.body):
        if isinstance(fields, dict):
            for name in fields.keys() & known.keys():
                if isinstance(fields[name], str):
                    fields[name] = data.draw(st.sampled_from(known[name]))
