"""`If-Match` and `Idempotency-Key` on what changes something in the management API, for every action alike."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from entrypoints.actions.paths import places
from entrypoints.http.management.conditions import reads_of
from tests.behaviour.conftest import People
from tests.behaviour.error_shape import check_error
from tests.behaviour.plain_calls import CHAT, Response, ask, openai_body
from tests.support.hub import HubProcess

USERS, KEYS, PROVIDERS = "/api/v1/users", "/api/v1/keys", "/api/v1/providers"
AT_ONCE = 6


def user_of(hub: HubProcess, name: str) -> tuple[str, str]:
    """The path of a new user, and the ETag of its page."""
    ask(hub, USERS, {"name": f"{name}-{hub.interface}"})
    path = f"{USERS}/{name}-{hub.interface}"
    return path, etag_of(hub, path)


def etag_of(hub: HubProcess, path: str) -> str:
    return str(ask(hub, path).header("etag"))


def change(hub: HubProcess, path: str, body: Any, etag: str, method: str = "PATCH") -> Response:
    return ask(hub, path, body, method=method, headers={"if-match": etag})


def at_once(send: Callable[[int], Response]) -> list[Response]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [*pool.map(send, range(AT_ONCE))]


def test_every_change_of_a_thing_that_can_be_read_takes_the_etag_of_that_read() -> None:
    reads = {name: read.action.name for name, read in reads_of(places()).items()}

    assert ("user show", "provider list") == (reads["user change"], reads["provider change"])
    assert [] == [name for name, read in reads.items() if name.partition(" ")[0] != read.partition(" ")[0]]


def test_the_later_of_two_admins_is_refused_and_reads_the_user_again(hub: HubProcess) -> None:
    path, etag = user_of(hub, "ina")

    first = change(hub, path, {"display_name": "Ina"}, etag)
    later = change(hub, path, {"display_name": "Inga"}, etag)

    assert 200 == first.status
    error = check_error(later, path, 412, "precondition_failed")
    assert path in error["message"]
    assert "Ina" == ask(hub, path).json()["display_name"]
    assert 200 == change(hub, path, {"display_name": "Inga"}, etag_of(hub, path)).status


def test_of_many_changes_of_one_state_at_once_one_is_made(hub: HubProcess) -> None:
    path, etag = user_of(hub, "uma")

    answered = at_once(lambda n: change(hub, path, {"display_name": f"Uma {n}"}, etag))

    assert [200, *[412] * (AT_ONCE - 1)] == sorted(each.status for each in answered)
    (made,) = (each.json()["display_name"] for each in answered if each.status == 200)
    assert made == ask(hub, path).json()["display_name"]


def test_calls_do_not_change_what_an_operator_edits(hub: HubProcess, people: People) -> None:
    made = ask(hub, "/api/v1/budgets", {"amount": "900", "user": "guest"}, method="PUT").json()
    path = f"/api/v1/budgets/{made['id']}"
    etag = etag_of(hub, path)

    assert 200 == ask(hub, CHAT, openai_body("echo"), key=people.guest).status
    assert [] != ask(hub, path).json()["spent"]

    assert 200 == change(hub, path, None, etag, "DELETE").status


def test_a_list_has_an_etag_where_one_thing_has_no_page(hub: HubProcess) -> None:
    name = f"prov-{hub.interface}"
    ask(hub, PROVIDERS, {"name": name, "dialect": "openai", "base_url": "http://127.0.0.1:9/v1"})
    etag = etag_of(hub, PROVIDERS)
    path = f"{PROVIDERS}/{name}"

    assert 200 == change(hub, path, {"weight": 3}, etag).status
    check_error(change(hub, path, {"weight": 4}, etag), path, 412)
    assert 200 == ask(hub, path, method="DELETE").status
    check_error(change(hub, f"{USERS}/nobody", {"display_name": "x"}, etag), path, 412)
    assert ask(hub, "/api/v1/limits?user=guest").header("etag") is None


def test_what_has_no_read_takes_no_condition(hub: HubProcess) -> None:
    path = "/api/v1/credit/guest/grant"

    assert "If-Match" == check_error(change(hub, path, {"amount": "1"}, '"x"', "POST"), path, 400)["param"]


def test_the_same_key_and_request_make_one_change_and_get_one_answer(hub: HubProcess) -> None:
    body, headers = {"user": "guest", "name": "once"}, {"idempotency-key": f"make-{hub.interface}"}
    first = ask(hub, KEYS, body, headers=headers)
    again = ask(hub, KEYS, body, headers=headers)
    other = ask(hub, KEYS, {**body, "name": "twice"}, headers=headers)
    elsewhere = ask(hub, f"{KEYS}/{first.json()['id']}/disable", {}, headers=headers)

    assert (201, 201, first.body) == (first.status, again.status, again.body)
    assert (None, "true") == (first.header("idempotent-replayed"), again.header("idempotent-replayed"))
    for refused in (other, elsewhere):
        check_error(refused, KEYS, 409, "idempotency_conflict")
    assert 1 == sum(key["name"] == "once" for key in ask(hub, KEYS).json()["data"])
    assert 0 == sum(key["name"] == "twice" for key in ask(hub, KEYS).json()["data"])


def test_of_many_equal_requests_at_once_one_makes_the_change(hub: HubProcess) -> None:
    name = f"kim-{hub.interface}"
    ask(hub, USERS, {"name": name})
    path, headers = f"/api/v1/credit/{name}/grant", {"idempotency-key": f"give-{hub.interface}"}

    answered = at_once(lambda _: ask(hub, path, {"amount": "0.5"}, headers=headers))

    assert {200} <= {each.status for each in answered} <= {200, 409}
    for each in answered:
        if each.status == 409:
            check_error(each, path, 409, "idempotency_interrupted")
    assert 1 == len({each.body for each in answered if each.status == 200})
    grants = hub.cli("credit", "balance", name)["grants"]
    assert 1 == len([grant for grant in grants if grant["amount"] == "0.5"])
    assert ask(hub, path, {"amount": "0.5"}, headers=headers).body in {each.body for each in answered}


def test_a_refused_request_leaves_its_key_free(hub: HubProcess) -> None:
    name, headers = f"zoe-{hub.interface}", {"idempotency-key": f"zoe-{hub.interface}"}
    path = f"{USERS}/{name}/disable"

    check_error(ask(hub, path, {}, headers=headers), path, 404)
    ask(hub, USERS, {"name": name})

    assert 200 == ask(hub, path, {}, headers=headers).status
    assert "Idempotency-Key" == check_error(
        ask(hub, path, {}, headers={"idempotency-key": "k" * 300}), path, 400
    )["param"]  # fmt: skip


def test_a_model_call_and_a_change_may_have_the_same_key(hub: HubProcess) -> None:
    headers = {"idempotency-key": f"both-{hub.interface}"}

    assert 200 == ask(hub, CHAT, openai_body("echo"), headers=headers).status
    assert 201 == ask(hub, KEYS, {"user": "guest"}, headers=headers).status


@pytest.mark.parametrize("method", ["GET"])
def test_a_read_ignores_both(hub: HubProcess, method: str) -> None:
    headers = {"idempotency-key": "read", "if-match": '"x"'}

    assert 200 == ask(hub, USERS, method=method, headers=headers).status
