"""What a refusal says: its one cause, and what to do about that."""

from typing import get_args, get_type_hints

from domain.refusals import Refusal, Unbounded
from entrypoints.http.dialects.openai_chat import CODES
from entrypoints.http.errors import error_of

TO_DO = {
    "context": "--context N",
    "uses": "max_tool_calls",
    "output": "--max-output N",
    "amount": "Send a lower number",
}


def test_openai_has_another_code_only_for_refusals_that_there_are() -> None:
    assert CODES.keys() <= {refusal.__struct_config__.tag for refusal in get_args(Refusal)}


def test_a_charge_without_a_bound_names_its_one_cause() -> None:
    causes = get_args(get_type_hints(Unbounded)["cause"])
    assert set(TO_DO) == set(causes)
    for cause in causes:
        reported = error_of(Unbounded(model="acme/small", field="web_search", cause=cause)).message
        assert "With `web_search` the charge of this call has no upper bound: " in reported
        assert [TO_DO[cause]] == [words for words in TO_DO.values() if words in reported]
