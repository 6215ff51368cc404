"""OpenAI's Responses API, as a caller speaks it.

House rule: errors are worded as in chat completions, for both are read by the same SDK. This module assembles the
dialect; reading is in `read`, `request` and `turns`, answering in `render`, `output_state` and `blocks`.

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

    OpenAI's reference has its fields in the event itself, its SDKs raise where they find them in `error`: it says both.
    """
    said = msgspec.json.decode(error(body), type=dict[str, dict[str, msgspec.Raw]])["error"]
    fields = {name: said[name] for name in ("code", "message", "param")}
    event = {"type": "error", "sequence_number": number, **fields, "error": said}
    return b"event: error\ndata: " + msgspec.json.encode(event) + b"\n\n"


def _stream_failed(state: State, body: ErrorBody) -> bytes:
    """The end of a stream that this dialect wrote itself: the response that failed, then the error."""
    state, told = failed(state, body)
    return told + stream_error(body, state.events)


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
