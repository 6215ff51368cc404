"""AIGNE Hub's own API: its native chat call, and its OpenAI-shaped one with fields in camel case.

https://www.aigne.io/en/hub; the published client `@aigne/aigne-hub` decides what is sent and understood.
"""

import msgspec

from entrypoints.http.dialects.aigne.camel_case import read_either_case
from entrypoints.http.dialects.aigne.errors import error
from entrypoints.http.dialects.aigne.read import read
from entrypoints.http.dialects.aigne.render import render, start, stream_error, whole
from entrypoints.http.dialects.dialect import CallerDialect
from entrypoints.http.dialects.openai_chat import OPENAI_CALLER
from entrypoints.http.dialects.openai_chat.request import to_request

AIGNE_CALLER = CallerDialect(
    name="aigne",
    read=read,
    to_request=to_request,
    whole=whole,
    start=start,
    render=render,
    error=error,
    stream_error=stream_error,
)

# The same answers as on /v1/chat/completions; only the spelling of the fields may differ.
CAMEL_CASE_CALLER = msgspec.structs.replace(OPENAI_CALLER, read=read_either_case, error=error)
