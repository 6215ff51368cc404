"""Problems of a request in OpenAI's dialect: the field as OpenAI names it, the problem, the remedy.

House rule: any bytes that cannot be read give a `BadRequest` and no exception; it quotes only field names and short
names from the body.
"""

import re
from typing import TypeVar

import msgspec

from domain.refusals import BadRequest
from entrypoints.http.decode_errors import JSON_ERRORS, JsonDecoder, WrongForm, written_path

_T = TypeVar("_T")
_FIELDS = JsonDecoder(dict[str, msgspec.Raw])

_INDEX = re.compile(r"\[\d+\]")

_REMEDIES = {
    "model": "Send the name of a model, as GET /v1/models lists them.",
    "messages": "Send a list with at least one message.",
    "messages[]": "Send each message as an object with a role and content.",
    "messages[].role": "Use system, developer, user, assistant or tool.",
    "messages[].content": "Send text or a list of content parts.",
    "messages[].content[].type": "Name the type of the part: text, image_url, input_audio or file.",
    "messages[].tool_call_id": "Send the id of the tool call that the message answers.",
    "stream": "Send true or false.",
    "n": "Send a whole number from 1 to 128.",
    "max_tokens": "Send a whole number of tokens from 1 to 2147483648.",
    "max_completion_tokens": "Send a whole number of tokens from 1 to 2147483648.",
    "stop": "Send a text or a list of texts.",
    "tools": "Send a list of tools.",
    "tools[].type": "Name the type of the tool, for instance function.",
    "tools[].function": "Describe the function with at least its name.",
    "tools[].function.name": "Send the name of the function.",
    # The Responses API's own.
    "input": "Send a text, or a list of input items.",
    "input[]": "Send each item as an object with its type, or as a message with a role and content.",
    "input[].role": "Use system, developer, user or assistant.",
    "input[].content": "Send a text or a list of content parts.",
    "input[].content[].type": "Name the type of the part: input_text, input_image or input_file.",
    "input[].call_id": "Send the call_id of the tool call.",
    "input[].name": "Send the name of the tool that was called.",
    "input[].arguments": "Send the arguments as JSON text, as the model wrote them.",
    "input[].output": "Send what the tool answered, a text or a list of content parts.",
    "instructions": "Send a text.",
    "max_output_tokens": "Send a whole number of tokens from 1 to 2147483648.",
    "max_tool_calls": "Send a whole number from 0 to 1048576.",
    "tools[].name": "Send the name of the function.",
}


def read_body(known: JsonDecoder[_T], body: bytes) -> tuple[_T, dict[str, msgspec.Raw]] | BadRequest:
    """The typed fields of a body, and every field as it came; or the first problem with it."""
    try:
        if not body.isascii():
            body.decode()  # The parser does not check the texts that it skips.
        return known.decode(body), _FIELDS.decode(body)
    except JSON_ERRORS as error:
        return unreadable(error)


def bad(field: str, problem: str) -> BadRequest:
    """A problem with a field, and the remedy for fields of its kind."""
    remedy = _REMEDIES.get(_INDEX.sub("[]", field), "Correct it or leave it out.")
    return BadRequest(field=field, problem=f"{problem} {remedy}")


def unreadable(error: Exception, prefix: str = "") -> BadRequest:
    """The error of reading JSON as a problem; `prefix` is the field that was read."""
    if isinstance(error, RecursionError):
        return BadRequest(field=prefix or None, problem="The JSON is nested too deeply. Send it with fewer levels.")
    if isinstance(error, UnicodeDecodeError):
        return BadRequest(field=None, problem="The body is not UTF-8. Send JSON encoded as UTF-8.")
    if not isinstance(error, WrongForm):
        return BadRequest(field=None, problem=f"The body is not valid JSON ({error}). Send a JSON object.")
    field = (prefix + written_path(error.steps)).lstrip(".")
    if not field:
        return BadRequest(field=None, problem=f"The body must be a JSON object. {error.problem}.")
    return bad(field, f"{error.problem}.")
