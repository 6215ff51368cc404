"""Where a request comes from, by its own headers: bounded, and nothing rather than nonsense."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.model_api.origin import APP_MAX, CLIENT_MAX, NOWHERE, RUN_MAX, Origin, origin_of

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SESSION = "0198a2c4-8b1f-7c3e-9a55-3f2b6c1d7e90"
USER = f"user_{'a' * 64}_account_{SESSION[::-1]}_session_{SESSION}"


@pytest.mark.parametrize(("headers", "origin"), [
    ({},                                                                 NOWHERE),
    ({"x-aigne-hub-client-did": "z8ia1", "http-referer": "https://a.test"}, Origin(app="z8ia1")),
    ({"http-referer": "https://a.test/x?key=secret#top", "x-title": "A"},   Origin(app="https://a.test/x")),
    ({"x-title": " My app "},                                            Origin(app="My app")),
    ({"x-title": "My\x00 app\x7f"},                                      Origin(app="My app")),
    ({"x-title": "  "},                                                  NOWHERE),
    ({"x-title": "a" * 999},                                             Origin(app="a" * APP_MAX)),
    ({"x-aihub-run": "run 1", "session_id": SESSION},                    Origin(run_id=SESSION)),
    ({"x-aihub-run": "nightly-7", "x-claude-code-session-id": SESSION},  Origin(run_id="nightly-7")),
    ({"x-claude-code-session-id": SESSION},                              Origin(run_id=SESSION)),
    ({"session_id": SESSION},                                            Origin(run_id=SESSION)),
    ({"session-id": SESSION},                                            Origin(run_id=SESSION)),
    ({"x-aihub-run": "r" * (RUN_MAX + 1)},                               NOWHERE),
    ({"x-aihub-run": ""},                                                NOWHERE),
    ({"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"},                 Origin(trace_id=TRACE)),
    ({"traceparent": f"cc-{TRACE}-00f067aa0ba902b7-01-more"},            Origin(trace_id=TRACE)),
    ({"traceparent": f"ff-{TRACE}-00f067aa0ba902b7-01"},                 NOWHERE),
    ({"traceparent": f"00-{'0' * 32}-00f067aa0ba902b7-01"},              NOWHERE),
    ({"traceparent": f"00-{TRACE}-{'0' * 16}-01"},                       NOWHERE),
    ({"traceparent": f"00-{TRACE.upper()}-00f067aa0ba902b7-01"},         NOWHERE),
    ({"traceparent": TRACE},                                             NOWHERE),
    ({"user-agent": "claude-cli/2.0.1 (external, cli)"},                 Origin(client="claude-cli/2.0.1")),
    ({"user-agent": "OpenAI/Python 2.3.0"},                              Origin(client="OpenAI/Python")),
    ({"user-agent": "c" * 999},                                          Origin(client="c" * CLIENT_MAX)),
    ({"user-agent": " "},                                                NOWHERE),
])  # fmt: skip
def test_the_origin_of_a_request(headers: dict[str, str], origin: Origin) -> None:
    assert origin == origin_of(headers)


@pytest.mark.parametrize(("metadata", "run_id"), [
    ({"user_id": USER},                                    SESSION),
    ({"user_id": f'{{"device_id":"d","session_id":"{SESSION}"}}'}, SESSION),
    ({"user_id": "ada"},                                   None),
    ({"user_id": "ada_session_"},                          None),
    ({"user_id": "{not json"},                             None),
    ({"user_id": 7},                                       None),
    ("none",                                               None),
    ({},                                                   None),
])  # fmt: skip
def test_the_session_of_claude_code_in_the_metadata(metadata: object, run_id: str | None) -> None:
    raw = msgspec.Raw(msgspec.json.encode(metadata))

    assert run_id == origin_of({}, raw).run_id
    assert "mine" == origin_of({"x-aihub-run": "mine"}, raw).run_id


NAMES = st.sampled_from(
    ["x-aigne-hub-client-did", "http-referer", "x-title", "x-aihub-run", "session_id", "traceparent", "user-agent"]
)
VALUES = st.text(st.characters(max_codepoint=255), max_size=300)


@given(st.dictionaries(NAMES, VALUES), st.binary(max_size=60))
def test_whatever_is_sent_is_bounded_and_in_one_line(headers: dict[str, str], metadata: bytes) -> None:
    found = origin_of(headers, msgspec.Raw(metadata))

    for value, length in (
        (found.app, APP_MAX), (found.run_id, RUN_MAX), (found.trace_id, 32), (found.client, CLIENT_MAX)
    ):  # fmt: skip
        assert value is None or (0 < len(value) <= length and value.isprintable())
