"""Whatever is sent to Bedrock is what AWS's own model of Converse allows, as botocore ships and checks it."""

import base64
import json
import re
from functools import cache
from itertools import pairwise
from typing import Any

import msgspec
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from adapters.providers.bedrock import BEDROCK
from domain.model_api.requests import (
    Audio,
    ChatRequest,
    Document,
    Image,
    Message,
    ProviderPart,
    Reasoning,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from tests.support.bedrock import CLAUDE, LLAMA, NOVA, attempt

MODELS = (CLAUDE, NOVA, LLAMA, "us.anthropic.claude-sonnet-4-6", "openai.gpt-oss-120b-1:0", "qwen.qwen3-32b-v1:0",
          "us.writer.palmyra-x4-v1:0", "mistral.mistral-large-3-675b-instruct", "cohere.command-r-v1:0",
          "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2")  # fmt: skip


@cache
def _service() -> Any:
    return ServiceModel(Loader().load_service_model("bedrock-runtime", "service-2"))


def complaints(operation: str, request: dict[str, Any]) -> str:
    """What botocore finds wrong with a request's body, and what its patterns and words do not allow."""
    shape = _service().operation_model(operation).input_shape
    params = {**_with_bytes(request), "modelId": "m"}
    report: str = ParamValidator().validate(params, shape).generate_report()
    return report or "\n".join(_unspellable(params, shape))


def _with_bytes(value: Any) -> Any:
    """Blobs as botocore wants them; on the wire they are base64."""
    if isinstance(value, list):
        return [_with_bytes(one) for one in value]
    if not isinstance(value, dict):
        return value
    blobs = ("bytes", "redactedContent")
    return {
        name: base64.b64decode(one, validate=True) if name in blobs and isinstance(one, str) else _with_bytes(one)
        for name, one in value.items()
    }


def _unspellable(value: Any, shape: Any) -> list[str]:
    """Words that are none of an enumeration's, and text that does not fit its pattern: botocore leaves them to AWS."""
    if shape.type_name == "structure" and not shape.is_document_type:
        return [one for name in value for one in _unspellable(value[name], shape.members[name])]
    if shape.type_name == "list":
        return [one for item in value for one in _unspellable(item, shape.member)]
    if shape.type_name == "map":
        return [
            one for name in value for one in (*_unspellable(name, shape.key), *_unspellable(value[name], shape.value))
        ]
    if shape.type_name != "string":
        return []
    pattern, enum = shape.metadata.get("pattern"), shape.metadata.get("enum")
    wrong = (enum and value not in enum) or (pattern and re.fullmatch(pattern, value) is None)
    return [f"{shape.name}: {value!r}"] if wrong else []


_words = st.text(max_size=12)
_some = st.text(min_size=1, max_size=12)
_names = st.from_regex(r"[a-zA-Z0-9_-]{1,12}", fullmatch=True)  # A tool's name is refused by the provider, or it fits.
_data = st.just("aGk=")
_mark = st.sampled_from([None, msgspec.Raw(b'{"type":"ephemeral"}'), msgspec.Raw(b'{"type":"ephemeral","ttl":"1h"}')])
_texts = st.builds(Text, text=_words, cache_control=_mark)
_images = st.builds(Image, media_type=st.sampled_from(["image/png", "image/jpg"]), data=_data) | st.just(
    Image(url="s3://bucket-1/a.png")
)
_named: dict[str, Any] = {"name": st.none() | st.text(max_size=300), "cache_control": _mark}
_documents = (
    st.builds(
        Document, media_type=st.sampled_from(["application/pdf", "text/csv", "text/markdown"]), data=_data, **_named
    )
    | st.builds(Document, text=_some, **_named)
    | st.builds(Document, url=st.just("s3://bucket-1/a.pdf"), **_named)
)
_provider_part = st.builds(
    lambda title, context: ProviderPart(
        dialect="anthropic",
        name="document.citations",
        block=msgspec.Raw(
            json.dumps(
                {
                    "type": "document",
                    "source": {"type": "text", "media_type": "text/plain", "data": "hi"},
                    "title": title,
                    "context": context,
                    "citations": {"enabled": True},
                }
            ).encode()
        ),
    ),
    st.none() | _some,
    st.none() | _some,
)
_results = st.builds(
    ToolResult,
    call_id=st.text(min_size=1, max_size=80),
    parts=st.lists(_texts | _images | _documents, max_size=3).map(tuple),
    is_error=st.booleans(),
)
_calls = st.builds(
    ToolCall, id=st.text(min_size=1, max_size=80), name=_names, arguments=st.sampled_from(["", "{}", '{"a": [1.5]}'])
)
_thoughts = st.builds(Reasoning, text=_words, signature=st.none() | _some) | st.builds(Reasoning, redacted=_some)
_audio = st.builds(Audio, data=_data, format=st.sampled_from(["wav", "mp3"]))
_users = st.lists(_texts | _images | _documents | _results | _audio | _provider_part, max_size=5).map(tuple)
_assistants = st.lists(_texts | _calls | _thoughts, max_size=4).map(tuple)
_turns = st.builds(Message, role=st.just("user"), parts=_users) | st.builds(
    Message, role=st.just("assistant"), parts=_assistants
)
_system = st.builds(
    Message, role=st.sampled_from(["system", "developer"]), parts=st.lists(_texts, max_size=2).map(tuple)
)
_messages = st.builds(
    lambda before, first, rest: (*before, Message(role="user", parts=(Text(text=first),)), *rest),
    st.lists(_system, max_size=2),
    _some,
    st.lists(_turns | _turns | _turns | _system, max_size=4),
)
_tools = st.builds(
    Tool,
    name=_names,
    description=st.none() | _words,
    parameters=st.sampled_from([None, msgspec.Raw(b"{}"), msgspec.Raw(b'{"type":"object"}')]),
    strict=st.none() | st.booleans(),
    cache_control=_mark,
)
_choices = st.sampled_from([None, *(ToolChoice(mode=m) for m in ("auto", "none", "required")), ToolChoice(mode="tool", name="f")])  # fmt: skip
_thinking = st.none() | st.builds(
    Thinking,
    enabled=st.booleans(),
    effort=st.sampled_from([None, "none", "minimal", "low", "medium", "high", "max"]),
    tokens_max=st.none() | st.integers(1024, 20_000),
    implicit=st.booleans(),
)
_requests = st.builds(
    ChatRequest,
    model=st.sampled_from(MODELS),
    messages=_messages,
    tools=st.lists(_tools, min_size=1, max_size=2).map(tuple) | st.just(()),
    tool_choice=_choices,
    parallel_tool_calls=st.sampled_from([None, True, False]),
    output_tokens_max=st.none() | st.integers(1, 9000),
    temperature=st.sampled_from([None, msgspec.Raw(b"0"), msgspec.Raw(b"0.5")]),
    top_k=st.sampled_from([None, None, None, 5]),
    stop=st.lists(_some, max_size=2).map(tuple),
    response_format=st.sampled_from([None, ResponseFormat(mode="json_schema", name="n", schema=msgspec.Raw(b"{}"))]),
    thinking=_thinking,
    user=st.none() | st.text(max_size=300),
    extra=st.sampled_from(
        [
            {},
            {"metadata": msgspec.Raw(b'{"team":"a&b"}'), "service_tier": msgspec.Raw(b'"flex"')},
            {"cache_control": msgspec.Raw(b'{"type":"ephemeral"}')},
        ]
    ),
)


def test_the_judge_judges() -> None:
    good: dict[str, Any] = {"messages": [{"role": "user", "content": [{"text": "a"}]}]}

    assert "" == complaints("Converse", good)
    assert "Unknown parameter" in complaints("Converse", {**good, "maxTokens": 1})
    assert "ConversationRole" in complaints("Converse", {"messages": [{"role": "developer", "content": []}]})
    assert "tagged union" in complaints("Converse", {"messages": [{"role": "user", "content": [{}]}]})


@given(_requests)
def test_what_is_not_refused_is_a_request_that_converse_allows(request: ChatRequest) -> None:
    if BEDROCK.refuses(request) is not None:
        return

    body = json.loads(BEDROCK.encode(request, attempt(request.model)))

    assert "" == complaints("Converse", body)
    assert "" == complaints("ConverseStream", body)
    blocks = [block for turn in body["messages"] for block in turn["content"]]
    names = [block["document"]["name"] for block in _deep(blocks) if "document" in block]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9()\[\]-]+( [A-Za-z0-9()\[\]-]+)*", name) for name in names)
    roles = [turn["role"] for turn in body["messages"]]
    assert all(one != other for one, other in pairwise(roles))
    assert all(turn["content"] for turn in body["messages"])


def _deep(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    inner = [one for block in blocks if "toolResult" in block for one in block["toolResult"]["content"]]
    return [*blocks, *inner]
