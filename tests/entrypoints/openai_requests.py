"""What a caller of OpenAI's dialect asked, as a canonical request: helpers of the tests beside this file."""

import json
from typing import Any

import msgspec

from domain.model_api.call import ModelCall
from domain.model_api.requests import ChatRequest
from domain.refusals import BadRequest
from entrypoints.http.dialects.openai_chat import OPENAI_CALLER


def answered(**fields: Any) -> ChatRequest | BadRequest:
    sent = {"model": "m", "messages": [{"role": "user", "content": "Hello"}], **fields}
    call = OPENAI_CALLER.read(json.dumps(sent).encode())
    assert isinstance(call, ModelCall), call
    requested = OPENAI_CALLER.to_request(call)
    assert isinstance(requested, ChatRequest | BadRequest)
    return requested


def request(**fields: Any) -> ChatRequest:
    requested = answered(**fields)
    assert isinstance(requested, ChatRequest), requested
    return requested


def parts(*sent: Any, role: str = "user") -> tuple[Any, ...]:
    return request(messages=[{"role": role, "content": list(sent)}]).messages[0].parts


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())
