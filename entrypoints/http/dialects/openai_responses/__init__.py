"""OpenAI's Responses API, the caller's side.

House rule: errors have the shape of chat completions, since the same SDK reads both. This module assembles the
dialect; `read`, `request` and `turns` read requests, `render`, `output_state` and `blocks` render answers.

https://developers.openai.com/api/reference/resources/responses
"""

import msgspec

from entrypoints.http.dialects.dialect import CallerDialect, ErrorBody
from entrypoints.http.dialects.openai_chat import error
from entrypoints.http.dialects.openai_responses.read import read
from entrypoints.http.dialects.openai_responses.render import State, failed, render, start, whole
from entrypoints.http.dialects.openai_responses.request import to_request
from entrypoints.http.dialects.openai_responses.wire import NAME


def stream_error(body: ErrorBody, number: int = 0) -> bytes:
    """An error as the last event of a stream.

    OpenAI's reference has its fields in the event itself, and its SDKs raise for fields in `error`: the event has both.
    """
    inner = msgspec.json.decode(error(body), type=dict[str, dict[str, msgspec.Raw]])["error"]
    fields = {name: inner[name] for name in ("code", "message", "param")}
    event = {"type": "error", "sequence_number": number, **fields, "error": inner}
    return b"event: error\ndata: " + msgspec.json.encode(event) + b"\n\n"


def _stream_failed(state: State, body: ErrorBody) -> bytes:
    """The end of a stream that this dialect wrote itself: the response that failed, then the error."""
    state, event = failed(state, body)
    return event + stream_error(body, state.events)


RESPONSES_CALLER = CallerDialect(
    name=NAME,
    read=read,
    to_request=to_request,
    whole=whole,
    start=start,
    render=render,
    error=error,
    stream_error=stream_error,
    stream_failed=_stream_failed,
)
