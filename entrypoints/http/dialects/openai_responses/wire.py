"""The fields of a Responses request on the wire that every call needs.

https://developers.openai.com/api/reference/resources/responses/methods/create
"""

from typing import Annotated, Literal

import msgspec

_Name = Annotated[str, msgspec.Meta(min_length=1)]

NAME = "openai-responses"

UNSET = msgspec.Raw(b"")
"""The default of an optional field that is kept as JSON; msgspec decodes no union of Raw and None."""


def is_set(raw: msgspec.Raw) -> bool:
    """Whether an optional field kept as JSON is set; null counts as not set."""
    return bytes(raw) not in (b"", b"null")


class Part(msgspec.Struct):
    """A content part, of a message or of a tool's answer."""

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: str | None = None
    detail: str | None = None
    file_id: str | None = None
    file_url: str | None = None
    file_data: str | None = None
    filename: str | None = None
    input_audio: msgspec.Raw = UNSET


class Environment(msgspec.Struct):
    """The environment of a shell: `local` is on the caller's machine."""

    type: str = ""


class Tool(msgspec.Struct):
    """A tool: a function, or the fields that show who runs it."""

    type: _Name
    name: str | None = None
    execution: str | None = None
    environment: Environment | None = None
    tools: "list[Tool] | None" = None


class Item(msgspec.Struct):
    """An input item; one without a type is a message. Fields whose shape depends on the type stay JSON."""

    type: _Name = "message"
    id: str | None = None
    role: Literal["system", "developer", "user", "assistant"] | None = None
    content: msgspec.Raw = UNSET
    encrypted_content: str | None = None
    call_id: str | None = None
    name: str | None = None
    namespace: str | None = None
    arguments: msgspec.Raw = UNSET
    input: msgspec.Raw = UNSET
    output: msgspec.Raw = UNSET
    summary: msgspec.Raw = UNSET
    tools: msgspec.Raw = UNSET
    dialect: str | None = None
    block: msgspec.Raw = UNSET
