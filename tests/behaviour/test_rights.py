"""Rights as a table: every route for every kind of key, and what belongs to somebody else.

What a route demands is derived: from the action table for the management API, from AIGNE's table for its management
routes, and from the lists below for the others. A route that is added fails until it is in one of them.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

import msgspec
import pytest

from domain.accounts.permissions import PERMISSIONS, Permission
from entrypoints.actions.paths import places
from entrypoints.http.aigne_management import user_routes
from entrypoints.http.aigne_management.routes import _PREFIXES, FOR_ADMINS
from entrypoints.http.wire import Route
from tests.behaviour.conftest import People
from tests.behaviour.dashboard import sign_in
from tests.behaviour.error_shape import check_error
from tests.behaviour.plain_calls import CHAT, Response, ask, openai_body
from tests.behaviour.test_route_table import OPEN, PAGES, RELAY, TABLE, name_of, path_of
from tests.support.hub import HubProcess

# What an operator sees besides the management API.
OPERATORS: Mapping[str, Permission] = {
    "GET /openrouter/api/v1/keys": "see accounts",
    "POST /openrouter/api/v1/keys": "manage accounts",
    "GET /openrouter/api/v1/keys/{hash}": "see accounts",
    "PATCH /openrouter/api/v1/keys/{hash}": "manage accounts",
    "DELETE /openrouter/api/v1/keys/{hash}": "manage accounts",
    "GET /metrics": "see metrics",
    "GET /api/route/{model:path}": "see routes",
    "POST /api/user/admin/user-info": "see accounts",
}
MANAGEMENT: Mapping[str, Permission] = {
    **{f"{place.method} {place.template}": place.action.permission for place in places() if not place.action.own},
    **{f"{method} {prefix}{path}": permission for prefix in _PREFIXES for method, path, permission, _ in FOR_ADMINS},
    **{f"{method} {path}": permission for method, path, permission, _ in user_routes.FOR_ADMINS},
    **OPERATORS,
}
# What every caller may do, with a key for models; each sees their own account alone.
CALLERS = re.compile(
    r"(GET|DELETE) /v1/responses/|POST /v1/(messages/count_tokens|responses/input_tokens|quote)$"
    r"|GET /(v1|v1beta)/models|GET /(openrouter/)?api/v1/key$|GET /api/v\d/status$|GET /api/user/|GET /api/usage/|GET /api/(ai|ai-providers)(/|$)"
)
# What every caller may read as far as it is their own.
OWN = {f"{place.method} {place.template}" for place in places() if place.action.own}
# Signing in and out, and pages, which have a session in place of a key.
SESSION = {name_of(route) for route in TABLE if route.template.startswith("/dashboard")}


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """One key of each kind."""

    admin: str
    admins_models: str
    managing: str


@pytest.fixture(scope="module")
def keys(served: HubProcess) -> Keys:
    name = f"rights-{served.interface}"
    ask(served, "/api/v1/users", {"name": name, "role": "admin"})
    made = {
        purpose: ask(served, "/api/v1/keys", {"user": user, "purpose": kind}).json()["key"]
        for purpose, user, kind in (
            ("admin", name, "management"),
            ("admins_models", name, "models"),
            ("managing", "owner", "management"),
        )
    }
    return Keys(**made)


def demanded(route: Route) -> str:
    """What a route demands: a permission, `calling`, `own`, `any key`, `session` or `nothing`."""
    name = name_of(route)
    if name in SESSION:
        return "session"
    if route.template in OPEN:
        return "nothing"
    if name in MANAGEMENT:
        return MANAGEMENT[name]
    if name in OWN:
        return "own"
    if route.spends:
        return "calling"
    assert CALLERS.match(name), f"{name}: say who may use it, here or in its table"
    return "any key"


@pytest.mark.parametrize("route", TABLE, ids=name_of)
def test_every_route_has_a_row(route: Route) -> None:
    assert demanded(route) in {*PERMISSIONS, "calling", "own", "any key", "session", "nothing"}


@pytest.mark.parametrize("route", [route for route in TABLE if demanded(route) in PERMISSIONS], ids=name_of)
def test_an_operators_route_refuses_every_key_that_lacks_the_right(
    hub: HubProcess, people: People, keys: Keys, route: Route
) -> None:
    """403 for the role before anything is read of the request: the same whether the thing exists or not."""
    permission = cast(Permission, demanded(route))
    refused = {"guest": people.guest, "a key for models": keys.admins_models}
    if "admin" not in PERMISSIONS[permission]:
        refused["admin"] = keys.admin
    for who, key in refused.items():
        answers = [refusal(ask(hub, path, key=key, method=route.method)) for path in paths_of(route)]

        assert [(403, answers[0][1])] * len(answers) == answers, who
    for path in paths_of(route):
        check_error(ask(hub, path, key="", method=route.method), path, 401)


@pytest.mark.parametrize(
    "route", [route for route in TABLE if demanded(route) in PERMISSIONS and route.method == "GET"], ids=name_of
)
def test_an_operators_read_takes_every_key_that_has_the_right(hub: HubProcess, keys: Keys, route: Route) -> None:
    permission = cast(Permission, demanded(route))
    allowed = [keys.managing, *([keys.admin] if "admin" in PERMISSIONS[permission] else [])]
    for key, path in itertools.product(allowed, paths_of(route)):
        assert ask(hub, path, key=key).status in (200, 400, 404), path


@pytest.mark.parametrize("route", [route for route in TABLE if demanded(route) == "calling"], ids=name_of)
def test_a_key_that_manages_calls_nothing(hub: HubProcess, keys: Keys, route: Route) -> None:
    from tests.behaviour.test_route_table import requested

    for path, body in requested(route):
        for key in (keys.managing, keys.admin):
            check_error(ask(hub, path, body, key=key, method=route.method), path.partition("?")[0], 403)


def test_a_call_of_somebody_else_is_a_call_that_does_not_exist(hub: HubProcess, people: People) -> None:
    """The answer about a stranger's call differs in nothing from that about no call at all."""
    own, foreign = (str(ask(hub, CHAT, openai_body("echo"), key=key).header("x-request-id")) for key in (people.guest, hub.key))  # fmt: skip
    missing = own[:-4] + "zzzz"
    guest = sign_in(hub, people.guest)

    reads = [*foreign_reads()]
    assert ["/api/v1/calls/{id}", "/dashboard/calls/{id}"] == sorted(reads)
    for path in reads:
        seen = {name: guest.get(path.format(id=name)) if path.startswith("/dashboard") else ask(hub, path.format(id=name), key=people.guest)
                for name in (own, foreign, missing)}  # fmt: skip
        assert 200 == seen[own].status, path
        assert [404, 404] == [seen[name].status for name in (foreign, missing)], path
        texts = {re.sub(r"call_\w+", "", seen[name].body.decode()) for name in (foreign, missing)}
        assert 1 == len(texts), path


def foreign_reads() -> Iterator[str]:
    """The paths at which a caller sees one of their calls."""
    for route in TABLE:
        is_call = route.method == "GET" and re.search(r"calls/\{\w+\}$", route.template)
        if is_call and RELAY not in route.template and demanded(route) in ("session", "any key", "own"):
            yield re.sub(r"\{\w+\}$", "{id}", route.template)


def test_a_guest_reads_nothing_of_others_in_any_list(hub: HubProcess, people: People) -> None:
    ask(hub, CHAT, openai_body("echo"))
    guest = sign_in(hub, people.guest)
    owner = next(user for user in ask(hub, "/api/v1/users").json()["data"] if user["name"] == "owner")
    theirs = [owner["id"], *(call["id"] for call in hub.cli("call", "list", "--user", "owner", "--limit", "50"))]

    for route in TABLE:
        if route.method == "GET" and "{" not in route.template and demanded(route) in ("session", "any key", "own"):
            answered = guest.get(route.template) if route in PAGES else ask(hub, route.template, key=people.guest)
            assert [] == [one for one in theirs if one.encode() in answered.body], route.template


def paths_of(route: Route) -> tuple[str, ...]:
    """The path with the name of something that exists, and with one of nothing."""
    if route.template.count("{") != 1:
        return (path_of(route),)
    names = ("echo/echo", "oai/m") if ":path}" in route.template else ("guest", "oai")
    return tuple(re.sub(r"\{[\w:]+\}", name, route.template) for name in (*names, "nothing-of-that-name"))


def refusal(answer: Response) -> tuple[int, Any]:
    """The status of an error, and all that it says but the id of the request."""
    return answer.status, re.sub(r"call_\w+", "", answer.body.decode())
