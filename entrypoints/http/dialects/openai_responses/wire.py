"""What a Responses request looks like on the wire, as far as every call must be understood.

https://developers.openai.com/api/reference/resources/responses/methods/create
"""

from typing import Annotated, Literal

import msgspec

_Name = Annotated[str, msgspec.Meta(min_length=1)]

NAME = "openai-responses"

UNSAID = msgspec.Raw(b"")
"""The default of an optional field that is kept as JSON; msgspec decodes no union of Raw and None."""


def is_said(raw: msgspec.Raw) -> bool:
    """Whether an optional field kept as JSON is there; null is as good as nothing."""
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
    input_audio: msgspec.Raw = UNSAID


class Environment(msgspec.Struct):
    """Where a shell runs: `local` at the caller's."""

    type: str = ""


class Tool(msgspec.Struct):
    """A tool: a function, or what tells who runs it."""

    type: _Name
    name: str | None = None
    execution: str | None = None
    environment: Environment | None = None
    tools: "list[Tool] | None" = None


class Item(msgspec.Struct):
    """An input item; one without a type is a message. What has another shape in each type stays JSON."""

    type: _Name = "message"
    id: str | None = None
    role: Literal["system", "developer", "user", "assistant"] | None = None
    content: msgspec.Raw = UNSAID
    encrypted_content: str | None = None
    call_id: str | None = None
    name: str | None = None
    namespace: str | None = None
    arguments: msgspec.Raw = UNSAID
    input: msgspec.Raw = UNSAID
    output: msgspec.Raw = UNSAID
    summary: msgspec.Raw = UNSAID
    tools: msgspec.Raw = UNSAID
    dialect: str | None = None
    block: msgspec.Raw = UNSAID
