"""Every route of the contract: who may ask, what it answers, and where a bad field is named. One row a route."""

import re
from typing import Any, Literal

import msgspec
import pytest

from tests.aigne.conftest import APP, Made
from tests.aigne.shapes import APP as APP_SHAPE
from tests.aigne.shapes import (
    CALL,
    CATALOGUE,
    COMPARISON,
    CREDENTIAL,
    CURRENCY,
    GRANT,
    NUMBER,
    PAGING,
    PROFILE,
    PROVIDER,
    RATE,
    SHORT_CALL,
    STATISTICS,
    TEXT_OR_NULL,
    TRANSACTION,
    TREND,
    check_shape,
)
from tests.behaviour.conftest import People
from tests.behaviour.plain_calls import ask
from tests.behaviour.stub import Stub
from tests.support.hub import HubProcess

Who = Literal["everybody", "users", "admins", "owners"]
AI, SECRET = "/api/ai-providers", "sk-contract-0123456789"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A request of the contract. `{call}` and so on in its texts are replaced by what was made for it.

    `wrong` has a query that is refused, and the field that the refusal names. `first` are requests that make what this
    one is about: a path and a body each.
    """

    who: Who
    method: str = "GET"
    path: str
    query: str = ""
    body: dict[str, Any] | None = None
    shape: Any
    status: int = 200
    wrong: tuple[str, str] | None = None
    first: tuple[tuple[str, dict[str, Any]], ...] = ()


SPAN = "startTime={before_s}&endTime={after_s}"
BAD_SPAN = ("startTime=soon&endTime=1", "startTime")
NEW_RATE = {"model": "contract", "type": "chatCompletion", "inputRate": "0.000001", "outputRate": 0.000002}
DOOMED = {"name": "contract", "baseUrl": "http://127.0.0.1:9", "displayName": "Contract"}
ROWS = (
    # Providers and credentials
    Row(who="users", path=AI, shape=[{"id": str, "name": str, "displayName": str, "enabled": bool}]),
    Row(who="admins", path=AI, query="includeModelRates=1&name=left", shape=[PROVIDER | {"credentials": [CREDENTIAL], "modelRates": [RATE]}]),
    Row(who="admins", method="POST", path=AI, body=DOOMED, shape=PROVIDER),
    Row(who="admins", method="PUT", path=f"{AI}/changed", body={"enabled": False}, shape=PROVIDER, first=((AI, {**DOOMED, "name": "changed"}),)),
    Row(who="admins", method="POST", path=f"{AI}/left/credentials", body={"name": "new", "value": SECRET}, shape=CREDENTIAL),
    Row(who="admins", method="POST", path=f"{AI}/left/credentials/test", body={"value": SECRET}, shape={"success": bool}),
    Row(who="admins", method="PUT", path=f"{AI}/left/credentials/{{credential}}", body={"name": "main", "weight": 100}, shape=CREDENTIAL),
    Row(who="admins", path=f"{AI}/left/credentials/{{credential}}/check", shape=CREDENTIAL),
    Row(who="admins", method="POST", path=f"{AI}/left/credentials/{{credential}}/check", body={}, shape=CREDENTIAL),
    Row(who="admins", path=f"{AI}/health", shape={"providers": {"left": {}}, "timestamp": "iso"}),
    Row(who="admins", path=f"{AI}/test-models", shape={"openai": str}),
    Row(who="admins", method="POST", path=f"{AI}/test-models", query="providerId=left", body={}, shape={"message": "syncing models..."}),
    # Rates
    Row(who="users", path=f"{AI}/oai/model-rates", shape=[{name: kind for name, kind in RATE.items() if name != "unitCosts"}]),
    Row(who="users", path=f"{AI}/model-rates", query="pageSize=2&o=asc&providerId=oai", shape={"count": int, "list": [{"provider": {"id": str, "name": str}, "status": (dict, type(None))}], "paging": PAGING}, wrong=("page=0", "page")),
    Row(who="admins", method="POST", path=f"{AI}/left/model-rates", body=NEW_RATE, shape=RATE),
    Row(who="admins", method="POST", path=f"{AI}/model-rates", body={**NEW_RATE, "model": "contract-2", "providers": ["left", "right"]}, shape={"message": str, "data": [RATE], "summary": {"total": int}}),
    Row(who="admins", method="PUT", path=f"{AI}/oai/model-rates/{{rate}}", body={"modelDisplay": "M"}, shape=RATE),
    Row(who="admins", path=f"{AI}/oai/model-rates/{{rate}}/history", shape={"count": int, "list": [{"id": str, "changeType": str, "source": str, "previousRates": (dict, type(None)), "currentRates": (dict, type(None)), "previousUnitCosts": (dict, type(None)), "currentUnitCosts": (dict, type(None)), "detectedAt": int, "operatedBy": TEXT_OR_NULL}], "paging": PAGING}),
    Row(who="admins", method="POST", path=f"{AI}/bulk-rate-update", body={"profitMargin": 10, "creditPrice": 1, "dryRun": True}, shape={"message": str, "updated": int, "skipped": int, "parameters": {"profitMargin": int, "creditPrice": int}, "summary": list}),
    Row(who="admins", method="POST", path=f"{AI}/trigger-rate-check", body={}, shape={"message": "Rate check triggered", "timestamp": "iso"}),
    # Catalogues
    Row(who="everybody", path="/api/ai/models", shape=[CATALOGUE]),
    Row(who="everybody", path=f"{AI}/models", query="type=imageGeneration", shape=[CATALOGUE]),
    Row(who="everybody", path=f"{AI}/chat/models", shape=[{"model": str, "description": TEXT_OR_NULL, "rates": [{"id": str, "type": str, "inputRate": str, "outputRate": str, "provider": dict}], "providers": [{"name": str, "id": str, "displayName": str}]}]),
    # The caller's own account
    Row(who="users", path="/api/user/info", shape={"user": PROFILE, "creditBalance": {"balance": str, "total": str, "grantCount": int, "pendingCredit": str}, "paymentLink": str, "currency": CURRENCY, "enableCredit": bool, "profileLink": TEXT_OR_NULL, "creditPrefix": str}),
    Row(who="users", path="/api/user/credit/balance", shape={"balance": str, "currency": CURRENCY, "total": str, "grantCount": int, "pendingCredit": str}),
    Row(who="users", path="/api/user/credit/grants", shape={"count": int, "list": [GRANT], "paging": PAGING}, wrong=("start=-1", "start")),
    Row(who="users", path="/api/user/credit/transactions", query="start={before_s}", shape={"count": int, "list": [TRANSACTION], "paging": PAGING}, wrong=("end=soon", "end")),
    Row(who="users", path="/api/user/credit/payment-link", shape=str),
    Row(who="users", path="/api/user/model-calls", query="startTime={before_s}&status=success&search={call}", shape={"count": int, "list": [CALL], "paging": PAGING}, wrong=("status=done", "status")),
    Row(who="users", path="/api/user/usage-stats", query=f"{SPAN}&timezoneOffset=-480", shape=STATISTICS, wrong=("startTime=1", "endTime")),
    Row(who="users", path="/api/user/weekly-comparison", query="timezone=Europe/Berlin", shape=COMPARISON, wrong=("timezone=Mars", "timezone")),
    Row(who="users", path="/api/user/monthly-comparison", shape=COMPARISON, wrong=("timezone=Mars", "timezone")),
    # Usage by project
    Row(who="users", path="/api/usage/quota", shape={"total": NUMBER, "remaining": NUMBER, "used": NUMBER, "pendingCredit": NUMBER, "estimatedDaysRemaining": int, "dailyAvgCredits": NUMBER, "currency": CURRENCY}),
    Row(who="users", path="/api/usage/projects", query="sortBy=totalCredits&sortOrder=asc", shape={"projects": [APP_SHAPE | {"totalCalls": int, "totalCredits": NUMBER, "avgDuration": NUMBER, "successRate": NUMBER, "lastCallTime": int}], "total": int, "page": int, "pageSize": int}, wrong=("sortBy=name", "sortBy")),
    Row(who="users", path="/api/usage/projects/group-trends", shape={"projects": [APP_SHAPE | {"lastCallTime": int}], "trends": [{"timestamp": int, "byProject": dict}], "granularity": "day"}, wrong=("timeRange=0", "timeRange")),
    Row(who="users", path="/api/usage/projects/trends", query=f"appDid={APP}&timeRange=1", shape={"project": APP_SHAPE, "trends": [TREND]}, wrong=("timezoneOffset=7", "timezoneOffset")),
    Row(who="users", path="/api/usage/projects/calls", query=f"appDid={APP}&timeRange=1", shape={"list": [SHORT_CALL], "count": int, "page": int, "pageSize": int}, wrong=("minDurationSeconds=long", "minDurationSeconds")),
    Row(who="admins", path="/api/usage/trends", shape={"trends": [TREND | {"successRate": NUMBER}]}, wrong=BAD_SPAN),
    # Administration of users
    Row(who="admins", path="/api/user/admin/user-stats", query=SPAN, shape=STATISTICS, wrong=BAD_SPAN),
    Row(who="admins", method="POST", path="/api/user/admin/user-info", body={"userDids": ["nobody"]}, shape={"users": [{"did": "nobody", "fullName": "Unknown User", "email": str}]}),
    Row(who="owners", method="POST", path="/api/usage/stats/backfill", body={"startDate": "2026-01-01", "endDate": "2026-01-02"}, shape={"processed": int, "ranges": [{"startTime": int, "endTime": int}]}),
    Row(who="owners", method="POST", path="/api/user/cleanup-daily-stats", body={"userDid": "u", "startTime": 1, "endTime": 2}, shape={"message": "Daily data cleanup completed", "deleted": int}),
    Row(who="owners", method="POST", path="/api/user/recalculate-stats", body={"userDid": "u", "startTime": 1, "endTime": 2, "dryRun": True}, shape={"message": str, "userDid": "u", "willDeleteStats": int, "willRecalculateHours": int}),
    # The status of models
    Row(who="users", path="/api/v2/status", query="model=oai/m", shape={"available": bool}),
    Row(who="users", path="/api/v1/status", shape={"available": bool}),
    Row(who="everybody", path="/__blocklet__.js", query="type=json", shape={"appName": str, "appPid": str, "appLogo": str, "prefix": str, "preferences": dict, "componentMountPoints": [{"did": str, "mountPoint": str}]}),
    # The end of what was made above
    Row(who="admins", method="DELETE", path=f"{AI}/left/model-rates/Y2hhdENvbXBsZXRpb246ZW5kZWQ", shape={"message": "Model rate deleted successfully"}, first=((f"{AI}/left/model-rates", {**NEW_RATE, "model": "ended"}),)),
    Row(who="admins", method="DELETE", path=f"{AI}/ended", shape={"message": "Provider deleted successfully"}, first=((AI, {**DOOMED, "name": "ended"}),)),
    Row(who="admins", method="DELETE", path=f"{AI}/right/credentials/{{spare}}", shape={"message": "Credential deleted successfully"}, first=((f"{AI}/right/credentials", {"name": "spare", "value": SECRET}),)),
)  # fmt: skip
FILES = (("/api/user/model-calls/export", "text/csv; charset=utf-8"),)
# Routes of the contract that the hub does not have, and why.
NOT_OURS = {
    "/api/migration/grants": "the hub has no credits of an older kind to move",
    "/api/migration/status": "the same",
    "/api/app/status": "subscriptions of AIGNE Hub 1",
    "/api/payment/callback": "credit is bought at the payment link, and granted by an operator",
    "/api/meilisearch/embeddings": "a service of its platform",
    "/api/user/service/credit/balance": "the same, asked of a central hub",
}


def text_of(row: Row) -> str:
    return f"{row.method} {row.path}{'?' + row.query if row.query else ''}"


def path_of(hub: HubProcess, row: Row, made: Made) -> str:
    values = msgspec.structs.asdict(made)
    if "{spare}" in row.path:
        credentials = ask(hub, f"{AI}?name=right").json()[0]["credentials"]
        values["spare"] = next((one["id"] for one in credentials if one["name"] == "spare"), "none")
    return re.sub(r"\{(\w+)\}", lambda name: str(values[name[1]]), f"{row.path}?{row.query}".rstrip("?"))


@pytest.mark.parametrize("row", ROWS, ids=text_of)
def test_a_route_answers_in_its_shape(hub: HubProcess, stub: Stub, made: Made, row: Row) -> None:
    for name in ("left", "right"):
        stub.knows(name, SECRET)
    for path, body in row.first:
        assert 200 == ask(hub, path, body).status
    answered = ask(hub, path_of(hub, row, made), row.body, method=row.method)

    assert row.status == answered.status, answered.body
    check_shape(answered.json(), row.shape)


@pytest.mark.parametrize("row", ROWS, ids=text_of)
def test_a_route_is_closed_to_other_callers(hub: HubProcess, people: People, made: Made, row: Row) -> None:
    path = path_of(hub, row, made)
    nobody = ask(hub, path, row.body, key="", method=row.method)
    guest = ask(hub, path, row.body, key=people.guest, method=row.method)

    assert (200 if row.who == "everybody" else 401) == nobody.status
    if row.who in ("admins", "owners") and "includeModelRates" not in row.query:
        assert {"code": "forbidden", "error": "no permission"} == guest.json()
        assert 403 == guest.status
        assert {"code": "forbidden", "error": "not authorized"} == nobody.json()
    else:
        assert 200 == guest.status, guest.body


@pytest.mark.parametrize("row", [row for row in ROWS if row.wrong is not None], ids=text_of)
def test_a_bad_query_is_a_400_that_names_the_field(hub: HubProcess, row: Row) -> None:
    assert row.wrong is not None
    query, field = row.wrong
    refused = ask(hub, f"{row.path}?{query}")

    assert 400 == refused.status, refused.body
    assert field in refused.json()["error"]


@pytest.mark.parametrize(("path", "media_type"), FILES)
def test_a_file_comes_as_an_attachment(hub: HubProcess, made: Made, path: str, media_type: str) -> None:
    answered = ask(hub, path)

    assert (200, media_type) == (answered.status, answered.header("content-type"))
    assert "attachment" in str(answered.header("content-disposition"))
    assert 401 == ask(hub, path, key="").status


@pytest.mark.parametrize("path", NOT_OURS)
def test_what_is_not_served_is_not_found(hub: HubProcess, path: str) -> None:
    assert 404 == ask(hub, path).status


def test_every_route_in_aignes_shapes_has_a_row(hub: HubProcess) -> None:
    listed: Any = ask(hub, "/").json()
    served = {tuple(str(route).split(" ", 1)) for route in re.findall(r"[A-Z]+ /api/[^\s\"',]+", str(listed))}
    prefixes = ("/api/ai-providers", "/api/user", "/api/usage")
    rows = {(row.method, row.path) for row in ROWS} | {("GET", path) for path, _ in FILES}
    patterns = [(method, re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)))) for method, path in served]

    missing = [
        (method, pattern.pattern)
        for method, pattern in patterns
        if pattern.pattern.replace("\\", "").startswith(prefixes)
        and not any(
            method == requested and pattern.fullmatch(path.replace("{", "").replace("}", ""))
            for requested, path in rows
        )
    ]
    assert [] == sorted(missing)
