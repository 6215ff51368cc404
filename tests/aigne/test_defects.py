"""The defects of the original that the contract lists, each absent: one row a defect, with the tests that show it."""

import ast
from pathlib import Path

import pytest

from tests.aigne.conftest import APP, Made
from tests.behaviour.conftest import People
from tests.behaviour.plain_calls import ask
from tests.support.hub import HubProcess

ROOT = Path(__file__).parents[2]
CALLS = "/api/user/model-calls"
MANAGEMENT, NUMBER = "tests/behaviour/test_aigne_management.py", "tests/behaviour/test_one_number.py"
HERE, ROUTES = "tests/aigne/test_defects.py", "tests/aigne/test_routes.py"
ABSENT: dict[int, tuple[str, ...]] = {
    1: (f"{MANAGEMENT}::test_a_user_sees_what_a_provider_is_called_and_no_cost_and_nothing_else",),
    2: (f"{ROUTES}::test_a_route_answers_in_its_shape",),
    3: (f"{MANAGEMENT}::test_an_admin_sees_masks_and_no_secret_in_any_form",),
    4: (f"{MANAGEMENT}::test_a_provider_lives_and_leaves_nothing_behind",),
    5: (f"{HERE}::test_a_header_gives_nobody_a_role",),
    6: ("tests/system/test_overdraft.py::test_a_wallet_for_fifty_serves_exactly_fifty_of_two_hundred_callers",),
    7: ("tests/system/test_kill.py::test_kills_at_random_moments_lose_no_charge_and_no_credit",),
    8: ("tests/adapters/test_openai_usage.py::test_the_units_add_up_to_the_providers_counts",),
    9: ("tests/behaviour/test_images.py::test_an_image_whose_tokens_nobody_reported_is_estimated",),
    10: (f"{NUMBER}::test_every_way_to_read_the_calls_agrees_for_any_filter",),
    11: ("tests/domain/test_retries.py::test_nothing_is_bought_twice",),
    12: (f"{HERE}::test_statistics_have_every_type",),
    13: (f"{NUMBER}::test_the_month_agrees_with_balances_metrics_and_the_ledger",),
    14: (f"{MANAGEMENT}::test_a_margin_is_applied_to_every_rate_with_a_known_price_and_hidden_models_keep_theirs",),
    15: ("tests/entrypoints/test_stats.py::test_zones_with_half_hours_have_whole_days",),
    16: (f"{MANAGEMENT}::test_the_catalogues_are_open_and_say_what_the_published_client_reads",),
    17: ("tests/behaviour/test_provider_changes.py::test_a_provider_is_renamed_and_moved",),
    18: (f"{HERE}::test_only_an_admin_sees_the_calls_of_all",),
    19: (f"{HERE}::test_a_search_takes_every_character_as_it_is",),
    20: (f"{ROUTES}::test_a_bad_query_is_a_400_that_names_the_field",),
    22: (f"{HERE}::test_the_average_is_over_the_time_that_was_used",),
    23: ("tests/system/test_revocation.py::test_after_revoke_returns_no_later_request_is_accepted_on_any_connection",),
    26: (
        "tests/behaviour/test_routing_behaviour.py::test_a_credential_that_was_rejected_or_removed_is_never_used_again",
    ),
    27: ("tests/behaviour/test_provider_changes.py::test_a_hidden_model_is_called_and_not_listed",),
    28: (f"{MANAGEMENT}::test_a_rejected_secret_is_the_requests_fault_and_is_not_saved",),
}
# What the hub does not have, so that it cannot have the defect.
NOT_THERE = {
    21: "calls are not moved to other files",
    24: "no notices link to pages; a bulk update is one transaction for each provider",
    25: "nothing is read from the network to list models; a check also answers POST",
}


def test_every_defect_has_a_row() -> None:
    assert [*range(1, 29)] == sorted([*ABSENT, *NOT_THERE])


@pytest.mark.parametrize("test", sorted({test for tests in ABSENT.values() for test in tests}))
def test_a_named_test_is_there(test: str) -> None:
    path, _, name = test.partition("::")
    functions = {
        node.name
        for node in ast.parse((ROOT / path).read_text()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert name in functions


def test_a_header_gives_nobody_a_role(hub: HubProcess, people: People) -> None:
    claimed = {"x-user-did": "owner", "x-user-role": "owner"}

    assert 401 == ask(hub, "/api/ai-providers/health", key="", headers=claimed).status
    assert 403 == ask(hub, "/api/ai-providers/health", key=people.guest, headers=claimed).status


def test_statistics_have_every_type(hub: HubProcess, made: Made) -> None:
    ask(hub, "/v1/images/generations", {"model": "oai/dall", "prompt": "a cat"})
    stats = ask(hub, f"/api/user/usage-stats?startTime={made.before_s}&endTime={made.after_s + 60}").json()

    assert {"chatCompletion", "imageGeneration"} <= {*stats["summary"]["byType"]}
    assert {"chatCompletion", "imageGeneration"} <= {*stats["dailyStats"][-1]["byType"]}


def test_only_an_admin_sees_the_calls_of_all(hub: HubProcess, people: People, made: Made) -> None:
    for path in (CALLS, f"{CALLS}/export", "/api/usage/projects"):
        refused = ask(hub, f"{path}?allUsers=true", key=people.guest)
        assert (403, "Insufficient permissions. Admin or owner role required.") == (
            refused.status,
            refused.json()["error"],
        )
    own = ask(hub, CALLS, key=people.guest).json()["list"]
    assert made.call not in {call["id"] for call in own}


@pytest.mark.parametrize("text", ["%", "_", "'", '"', "\\"])
def test_a_search_takes_every_character_as_it_is(hub: HubProcess, made: Made, text: str) -> None:
    from urllib.parse import quote

    assert 0 == ask(hub, f"{CALLS}?model={quote(text)}").json()["count"]
    fields = "searchFields=model,traceId&search="
    assert 0 == ask(hub, f"{CALLS}?{fields}{quote(text)}").json()["count"]


def test_the_average_is_over_the_time_that_was_used(hub: HubProcess, made: Made) -> None:
    quota = ask(hub, "/api/usage/quota").json()

    assert quota["used"] == pytest.approx(quota["dailyAvgCredits"], abs=1e-8), "the first call was today"
    assert quota["total"] == pytest.approx(quota["remaining"] + quota["used"], abs=1e-8)
    projects = {one["appDid"] for one in ask(hub, "/api/usage/projects").json()["projects"]}
    assert APP in projects
