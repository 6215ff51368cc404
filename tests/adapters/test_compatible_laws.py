"""Laws of fitting a body to a vendor: it is idempotent, and no field is lost without a reason."""

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from adapters.providers.openai.fitting import fit
from domain.catalog.vendor import Vendor
from domain.catalog.vendors import UNKNOWN, VENDORS

_ids = st.sampled_from(["KikbB849t", "call_1", "toolu_01A", ""])
_messages = st.lists(
    st.one_of(
        st.builds(
            lambda role, text: {"role": role, "content": text},
            st.sampled_from(["system", "developer", "user"]),
            st.text(max_size=9),
        ),
        st.builds(lambda name: {"role": "tool", "content": "developer", "tool_call_id": name}, _ids),
        st.builds(
            lambda name: {"role": "assistant", "content": None, "tool_calls": [{"id": name, "type": "function"}]}, _ids
        ),
    ),
    max_size=5,
)
_wishes: dict[str, st.SearchStrategy[Any]] = {
    "messages": _messages,
    "max_tokens": st.integers(1, 9),
    "max_completion_tokens": st.integers(1, 9),
    "seed": st.integers(0, 9),
    "stream_options": st.just({"include_usage": True}),
    "reasoning_effort": st.sampled_from(["none", "low"]),
    "logprobs": st.booleans(),
    "presence_penalty": st.sampled_from([0, 0.5]),
    "store": st.booleans(),
    "user": st.just("ada"),
    "vendor_extension": st.just({"a": 1}),
}
_bodies = st.fixed_dictionaries({}, optional=_wishes)
_vendors = st.sampled_from([*(vendor for vendor in VENDORS.values() if vendor.dialect == "openai"), UNKNOWN])
_SAID_OTHERWISE = {"messages", "max_tokens", "max_completion_tokens", "stream_options", "reasoning_effort"}


def fitted(body: dict[str, Any], vendor: Vendor) -> dict[str, Any]:
    """Through the caller's own JSON, as a body that passes through comes."""
    fields = msgspec.json.decode(msgspec.json.encode(body), type=dict[str, msgspec.Raw])
    reported: dict[str, Any] = json.loads(msgspec.json.encode(fit(dict(fields), vendor)))
    return reported


@given(_bodies, _vendors)
def test_fitting_twice_is_fitting_once_and_plain_values_fit_as_json_does(body: dict[str, Any], vendor: Vendor) -> None:
    once = fitted(body, vendor)

    assert once == fitted(once, vendor)
    assert once == json.loads(msgspec.json.encode(fit(dict(body), vendor)))


@given(_bodies, _vendors)
def test_every_field_arrives_under_some_name_or_is_droppable(body: dict[str, Any], vendor: Vendor) -> None:
    reported, renamed = fitted(body, vendor), dict(vendor.renames)

    for name, value in body.items():
        if name not in _SAID_OTHERWISE:
            idle = name in vendor.lacks and (name == "user" or not value)
            assert reported.get(renamed.get(name, name)) == (None if idle else value)
    assert body.get("reasoning_effort") != "low" or reported["reasoning_effort"] == "low"
    requested = [body[cap] for cap in ("max_tokens", "max_completion_tokens") if cap in body]
    assert bool(requested) == any(cap in reported for cap in vendor.caps)
    assert not {"max_tokens", "max_completion_tokens"} & set(reported) - set(vendor.caps)


@given(_messages, _vendors)
def test_messages_keep_their_order_their_texts_and_what_they_answer(said: list[dict[str, Any]], vendor: Vendor) -> None:
    reported = fitted({"messages": said}, vendor)["messages"]

    roles = {} if vendor.developer else {"developer": "system"}
    assert [roles.get(turn["role"], turn["role"]) for turn in said] == [turn["role"] for turn in reported]
    assert [turn["content"] for turn in said] == [turn["content"] for turn in reported]
    requested, answered = _ids_of(said), _ids_of(reported)
    assert len(requested) == len(answered)
    assert len(set(zip(requested, answered, strict=True))) == len(set(requested)) == len(set(answered))


def _ids_of(messages: list[dict[str, Any]]) -> list[str]:
    ids = []
    for turn in messages:
        ids += [turn["tool_call_id"]] if "tool_call_id" in turn else []
        ids += [call["id"] for call in turn.get("tool_calls") or ()]
    return ids
