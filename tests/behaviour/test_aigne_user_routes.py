"""AIGNE Hub's routes of the caller's own account, in its shapes."""

from typing import Any

import pytest

from tests.behaviour.conftest import People
from tests.behaviour.error_shape import check_error
from tests.behaviour.plain_calls import BALANCE, CAMEL_CASE, aigne_body, ask, camel_case_body
from tests.support.hub import HubProcess

INFO, GRANTS, LINK = "/api/user/info", "/api/user/credit/grants", "/api/user/credit/payment-link"
USER_INFO = "/api/user/admin/user-info"
NANOS = 1_000_000_000


def test_a_user_sees_the_profile_and_the_same_balance_everywhere(hub: HubProcess, people: People) -> None:
    info = ask(hub, INFO, key=people.small).json()
    wallet = ask(hub, BALANCE, key=people.small).json()

    assert ("small", True) == (info["user"]["fullName"], info["enableCredit"])
    assert ("0.004", "0.004", 1, "0") == tuple(
        info["creditBalance"][name] for name in ("balance", "total", "grantCount", "pendingCredit")
    )
    assert ("4000000", "4000000", 1, "0") == tuple(
        wallet[name] for name in ("balance", "total", "grantCount", "pendingCredit")
    )
    assert ("0.004", 9) == (wallet["available"], wallet["currency"]["decimal"])
    assert info["paymentLink"] == ask(hub, LINK, key=people.small).json() == "https://pay.example.com/credit"


def test_grants_are_the_callers_own_the_newest_first_and_paged(hub: HubProcess) -> None:
    name = f"gina-{hub.interface}"
    hub.cli("user", "add", name)
    key = hub.cli("key", "create", "--user", name)["key"]
    made = [hub.cli("credit", "grant", name, str(amount))["id"] for amount in (1, 2, 3)]

    pages = [ask(hub, f"{GRANTS}?pageSize=2&page={page}", key=key).json() for page in (1, 2)]
    none = ask(hub, f"{GRANTS}?end=1", key=key).json()

    assert [3, 3] == [page["count"] for page in pages]
    assert made[::-1] == [row["id"] for page in pages for row in page["list"]]
    assert [str(3 * NANOS), "granted", "paid", 0] == [
        pages[0]["list"][0][name] for name in ("remaining_amount", "status", "category", "expires_at")
    ]
    assert (0, []) == (none["count"], none["list"])


@pytest.mark.parametrize("query", ["page=0", "pageSize=x", "start=-1", "end=soon"])
def test_a_bad_query_is_a_400_that_names_the_field(hub: HubProcess, query: str) -> None:
    path = f"{GRANTS}?{query}"
    assert query.partition("=")[0] in check_error(ask(hub, path), path, 400)["error"]


def test_admins_look_up_profiles_and_others_do_not(hub: HubProcess, people: People) -> None:
    user = ask(hub, INFO, key=people.guest).json()["user"]
    wanted: dict[str, Any] = {"userDids": [user["did"], "nobody"]}

    found = ask(hub, USER_INFO, wanted).json()["users"]
    refused = ask(hub, USER_INFO, wanted, key=people.guest)

    assert [user, {"did": "nobody", "fullName": "Unknown User", "email": ""}] == found
    assert 403 == refused.status
    check_error(ask(hub, USER_INFO, {"userDids": []}), USER_INFO, 400)


def test_the_status_without_a_model_reports_whether_any_can_be_called(hub: HubProcess) -> None:
    for path in ("/api/v2/status", "/api/v1/status"):
        assert {"available": True} == ask(hub, path).json()


def test_a_lack_of_credit_has_the_type_and_the_link_that_aignes_components_read(hub: HubProcess, people: Any) -> None:
    for path, body in (("/api/v2/chat", aigne_body("oai/m", False)), (CAMEL_CASE[0], camel_case_body("oai/m"))):
        error = ask(hub, path, body, key=people.poor).json()["error"]

        assert ("NOT_ENOUGH", "https://pay.example.com/credit") == (error["type"], error["link"])
        assert error["link"] == error["payment_link"]
