"""A field with its default may be left out, by the table of its API, on the caller's side and on the provider's."""

import msgspec
import pytest

from domain.dialects.default_values import ANTHROPIC, OPENAI_CHAT, OPENAI_RESPONSES, has_default
from domain.dialects.unsupported_params import is_default

DEFAULTS = [(api, name) for api in (OPENAI_CHAT, OPENAI_RESPONSES, ANTHROPIC) for name in api]


@pytest.mark.parametrize(("api", "name"), DEFAULTS)
def test_every_default_is_recognised_on_both_sides_however_it_is_spelled(api: dict[str, object], name: str) -> None:
    spelled = msgspec.json.encode(api[name])

    for value in (spelled, msgspec.json.format(spelled, indent=4), b"null"):
        assert has_default(api, name, msgspec.Raw(value))
        assert is_default(name, msgspec.Raw(value))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("frequency_penalty", b"0.1"),
        ("frequency_penalty", b"false"),
        ("logprobs", b"0"),
        ("logprobs", b"true"),
        ("service_tier", b'"flex"'),
        ("metadata", b'{"a":"b"}'),
        ("seed", b"0"),
        ("metadata", b"[" * 100_000 + b"]" * 100_000),
    ],
)
def test_any_other_value_asks_for_something(name: str, value: bytes) -> None:
    assert not has_default(OPENAI_CHAT, name, msgspec.Raw(value))
    assert not is_default(name, msgspec.Raw(value))


def test_a_value_without_effect_elsewhere_is_no_default_of_its_own_api() -> None:
    """OpenAI's "default" is another tier than "auto" there; a vendor without tiers has nothing to change."""
    tier = msgspec.Raw(b'"default"')

    assert not has_default(OPENAI_CHAT, "service_tier", tier)
    assert is_default("service_tier", tier)
