"""A canonical request in Converse's form: sampling, tools, reasoning, formats, and unsupported fields of a family."""

import json
from typing import Any

import msgspec
import pytest

from adapters.providers.alternating_turns import JSON_ALONE
from adapters.providers.bedrock import BEDROCK
from adapters.providers.bedrock.families import family
from domain.model_api.requests import Message, ResponseFormat, Text, Thinking, Tool, ToolCall, ToolChoice, ToolResult
from tests.support.bedrock import CLAUDE, LLAMA, NOVA, attempt, encoded, requested

GPT, QWEN, MISTRAL, COHERE = "openai.gpt-oss-120b-1:0", "qwen.qwen3-32b-v1:0", "mistral.m-v1:0", "cohere.command-r-v1:0"
NEW = "us.anthropic.claude-sonnet-4-6"
OPAQUE = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2"


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def settings(model: str = CLAUDE, output_cap: int | None = None, **fields: Any) -> dict[str, Any]:
    """All that is sent but the conversation."""
    body: dict[str, Any] = encoded(requested(model=model, **fields), output_cap)
    del body["messages"]
    return body


def for_model(model: str = CLAUDE, **fields: Any) -> Any:
    return settings(model, **fields).get("additionalModelRequestFields")


@pytest.mark.parametrize(
    ("model", "of"),
    [
        (CLAUDE, "anthropic"),
        ("anthropic.claude-v2", "anthropic"),
        (NOVA, "amazon"),
        ("eu.amazon.nova-micro-v1:0", "amazon"),
        (GPT, "openai"),
        ("moonshot.kimi-k2-thinking", "moonshot"),
        ("arn:aws:bedrock:us-east-1::foundation-model/meta.llama3-8b-instruct-v1:0", "meta"),
        ("arn:aws:bedrock:us-east-1:1:inference-profile/us.deepseek.r1-v1:0", "deepseek"),
        (OPAQUE, "anthropic"),
        ("some-alias", "anthropic"),
    ],
)
def test_the_family_of_a_model(model: str, of: str) -> None:
    assert of == family(model)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"output_tokens_max": 50}, {"inferenceConfig": {"maxTokens": 50}}),
        ({"temperature": msgspec.Raw(b"0.70"), "top_p": msgspec.Raw(b"1")},
         {"inferenceConfig": {"temperature": 0.7}}),
        ({"stop": ("a", "b")},
         {"inferenceConfig": {"stopSequences": ["a", "b"]}, "additionalModelResponseFieldPaths": ["/stop_sequence"]}),
        ({"stream": True}, {}),
        ({"user": "u-1"}, {"requestMetadata": {"user_id": "u-1"}}),
        ({"user": '{"id": "ü"}' + "x" * 300}, {"requestMetadata": {"user_id": "__id_: ____" + "x" * 245}}),
        ({"extra": {"metadata": raw({"team": "a&b", "n": 1})}}, {"requestMetadata": {"team": "a_b"}}),
        ({"extra": {"service_tier": raw("priority")}}, {"serviceTier": {"type": "priority"}}),
        ({"extra": {"service_tier": raw("standard_only")}}, {"serviceTier": {"type": "default"}}),
        ({"extra": {"service_tier": raw("auto"), "store": raw(False), "prompt_cache_key": raw("k")}}, {}),
        ({"response_format": ResponseFormat(mode="text")}, {}),
        ({"response_format": ResponseFormat(mode="json_object")}, {"system": [{"text": JSON_ALONE}]}),
        ({"parallel_tool_calls": False}, {}),
        ({"tool_choice": ToolChoice(mode="none")}, {}),
    ],
)  # fmt: skip
def test_settings_are_encoded_for_converse(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    assert expected == settings(**fields)


@pytest.mark.parametrize(("own", "cap", "sent"), [(None, None, None), (50, None, 50), (50, 20, 20), (None, 20, 20)])
def test_the_hubs_cap_goes_before_the_callers(own: int | None, cap: int | None, sent: int | None) -> None:
    reported = settings(output_cap=cap, output_tokens_max=own).get("inferenceConfig", {})
    assert sent == reported.get("maxTokens")


def test_numbers_are_sent_as_they_were_written() -> None:
    body = BEDROCK.encode(requested(temperature=msgspec.Raw(b"0.10000000000000000001")), attempt())

    assert b'"temperature":0.10000000000000000001' in body


CLOSED = '{"type": "object",  "additionalProperties": false}'


def test_a_schema_is_json_in_a_string() -> None:
    wanted = ResponseFormat(mode="json_schema", name="City", schema=msgspec.Raw(CLOSED.encode()))

    assert settings(response_format=wanted) == {
        "outputConfig": {
            "textFormat": {
                "type": "json_schema",
                "structure": {"jsonSchema": {"schema": CLOSED, "name": "City"}},
            }
        }
    }


def test_only_claude_reports_which_stop_sequence_it_met() -> None:
    assert settings(NOVA, stop=("a",)) == {"inferenceConfig": {"stopSequences": ["a"]}}


# --- tools ----------------------------------------------------------------------------------------------

F, G = Tool(name="f", strict=True), Tool(name="g", description="d", parameters=raw({"type": "object"}), strict=False)
SPECS = [
    {"toolSpec": {"name": "f", "strict": True, "inputSchema": {"json": {"type": "object", "properties": {}}}}},
    {"toolSpec": {"name": "g", "description": "d", "inputSchema": {"json": {"type": "object"}}}},
]
HISTORY = (
    Message(role="user", parts=(Text(text="a"),)),
    Message(role="assistant", parts=(ToolCall(id="t", name="f", arguments="{}"),)),
    Message(role="user", parts=(ToolResult(call_id="t", parts=(Text(text="1"),)),)),
)


@pytest.mark.parametrize(
    ("model", "choice", "parallel", "expected", "of_the_model"),
    [
        (CLAUDE, None, None, None, None),
        (CLAUDE, None, True, None, None),
        (CLAUDE, ToolChoice(mode="auto"), None, {"auto": {}}, None),
        (CLAUDE, ToolChoice(mode="required"), None, {"any": {}}, None),
        (CLAUDE, ToolChoice(mode="tool", name="f"), True, {"tool": {"name": "f"}}, None),
        (CLAUDE, None, False, None, {"type": "auto", "disable_parallel_tool_use": True}),
        (CLAUDE, ToolChoice(mode="required"), False, None, {"type": "any", "disable_parallel_tool_use": True}),
        (CLAUDE, ToolChoice(mode="tool", name="f"), False, None,
         {"type": "tool", "name": "f", "disable_parallel_tool_use": True}),
        (CLAUDE, ToolChoice(mode="none"), False, None, {"type": "none"}),
        (NOVA, ToolChoice(mode="required"), None, {"any": {}}, None),
    ],
)  # fmt: skip
def test_tools_and_the_choice_among_them(
    model: str, choice: ToolChoice | None, parallel: bool | None, expected: Any, of_the_model: Any
) -> None:
    reported = settings(model, tools=(F, G), tool_choice=choice, parallel_tool_calls=parallel)

    assert SPECS == reported["toolConfig"]["tools"]
    assert expected == reported["toolConfig"].get("toolChoice")
    assert of_the_model == reported.get("additionalModelRequestFields", {}).get("tool_choice")


def test_a_choice_of_none_is_kept_by_offering_no_tools() -> None:
    assert settings(NOVA, tools=(F,), tool_choice=ToolChoice(mode="none"), parallel_tool_calls=False) == {}


def test_a_history_of_calls_without_tools_names_them_and_forbids_them() -> None:
    reported = settings(messages=HISTORY)

    assert reported == {
        "toolConfig": {
            "tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object", "properties": {}}}}}]
        },
        "additionalModelRequestFields": {"tool_choice": {"type": "none"}},
    }


@pytest.mark.parametrize(
    "extra",
    [{"tools[1].nova_code_interpreter": raw({"type": "nova_code_interpreter"})},
     {"tools.1.type": raw("nova_code_interpreter")}],
)  # fmt: skip
def test_a_tool_that_nova_runs_itself_is_named(extra: dict[str, msgspec.Raw]) -> None:
    hosted = {"systemTool": {"name": "nova_code_interpreter"}}

    reported = settings(NOVA, tools=(F,), tool_choice=ToolChoice(mode="required"), extra=extra)
    assert reported == {"toolConfig": {"tools": [SPECS[0], hosted], "toolChoice": {"any": {}}}}
    assert settings(NOVA, extra=extra) == {"toolConfig": {"tools": [hosted]}}
    assert settings(NOVA, extra=extra, tool_choice=ToolChoice(mode="none")) == {}


# --- thinking -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "thinking", "expected"),
    [
        (CLAUDE, Thinking(tokens_max=2000), {"thinking": {"type": "enabled", "budget_tokens": 2000}}),
        (CLAUDE, Thinking(tokens_max=9000), {"thinking": {"type": "enabled", "budget_tokens": 4999}}),
        (NEW, Thinking(effort="high"), {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}),
        (CLAUDE, Thinking(effort="low"), {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
        (CLAUDE, Thinking(effort="high"), {"thinking": {"type": "enabled", "budget_tokens": 4999}}),
        (
            CLAUDE,
            Thinking(tokens_max=2000, effort="high"),
            {"thinking": {"type": "enabled", "budget_tokens": 2000}, "output_config": {"effort": "high"}},
        ),
        (CLAUDE, Thinking(effort="low", implicit=True), {"output_config": {"effort": "low"}}),
        (CLAUDE, Thinking(), {"thinking": {"type": "adaptive"}}),
        (CLAUDE, Thinking(enabled=False), {"thinking": {"type": "disabled"}}),
        (OPAQUE, Thinking(tokens_max=2000), {"thinking": {"type": "enabled", "budget_tokens": 2000}}),
        (NOVA, Thinking(effort="low"), {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}),
        (NOVA, Thinking(tokens_max=4096), {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "medium"}}),
        (NOVA, Thinking(enabled=False), {"reasoningConfig": {"type": "disabled"}}),
        (GPT, Thinking(effort="medium"), {"reasoning_effort": "medium"}),
        (GPT, Thinking(tokens_max=16_000), {"reasoning_effort": "high"}),
        (QWEN, Thinking(effort="high"), {"reasoning_config": "high"}),
        (QWEN, Thinking(effort="minimal"), {"reasoning_config": "low"}),
        (QWEN, Thinking(enabled=False), None),
        (LLAMA, Thinking(enabled=False), None),
    ],
)
def test_each_family_has_its_own_fields_for_reasoning(model: str, thinking: Thinking, expected: Any) -> None:
    assert expected == for_model(model, thinking=thinking, output_tokens_max=5000)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (CLAUDE, {"top_k": 5}),
        (MISTRAL, {"top_k": 5}),
        (COHERE, {"k": 5}),
        (NOVA, {"inferenceConfig": {"topK": 5}}),
    ],
)
def test_each_family_has_its_own_field_for_top_k(model: str, expected: Any) -> None:
    assert expected == for_model(model, top_k=5)


def test_an_anthropic_callers_other_fields_reach_claude() -> None:
    extra = {"thinking.display": raw("omitted"), "output_config.task_budget": raw({"type": "tokens", "total": 9})}

    assert for_model(NEW, thinking=Thinking(effort="low"), extra=extra) == {
        "thinking": {"type": "adaptive", "display": "omitted"},
        "output_config": {"effort": "low", "task_budget": {"type": "tokens", "total": 9}},
    }


def test_betas_that_bedrock_knows_reach_claude_only() -> None:
    betas = ("claude-code-20250219", "interleaved-thinking-2025-05-14")

    assert for_model(betas=betas) == {"anthropic_beta": ["interleaved-thinking-2025-05-14"]}
    assert for_model(NOVA, betas=betas) is None
    edits = raw({"edits": [{"type": "clear_tool_uses_20250919"}]})
    assert for_model(extra={"context_management": edits}) == {
        "context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]},
        "anthropic_beta": ["context-management-2025-06-27"],
    }


def test_converses_own_fields_pass_as_they_are_and_the_models_are_joined() -> None:
    own = {
        "guardrailConfig": raw({"guardrailIdentifier": "g", "guardrailVersion": "1", "trace": "enabled"}),
        "performanceConfig": raw({"latency": "optimized"}),
        "requestMetadata": raw({"a": "b"}),
        "serviceTier": raw({"type": "flex"}),
        "additionalModelResponseFieldPaths": raw(["/x"]),
        "additionalModelRequestFields": raw({"inferenceConfig": {"seed": 1}, "reasoningConfig": {"type": "disabled"}}),
    }

    reported = settings(NOVA, extra=own, top_k=3, user="u")

    joined = {"inferenceConfig": {"topK": 3, "seed": 1}, "reasoningConfig": {"type": "disabled"}}
    rest = {name: json.loads(bytes(value)) for name, value in own.items() if name != "additionalModelRequestFields"}
    assert reported == {**rest, "additionalModelRequestFields": joined}


@pytest.mark.parametrize("model", [CLAUDE, NOVA])
def test_a_tools_input_is_one_object(model: str) -> None:
    either = {"anyOf": [{"type": "object", "properties": {"a": {}}}, {"type": "object", "properties": {"b": {}}}]}
    tool = Tool(name="f", parameters=raw(either))

    reported = settings(model, tools=(tool,))["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"]

    assert {"type": "object", "properties": {"a": {}, "b": {}}} == reported
