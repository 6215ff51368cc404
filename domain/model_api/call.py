"""A call as the hub sees it before it decides: the caller's dialect, and what bounds the charge.

Only what the hub needs is decoded from the body; the body itself stays as its top-level fields, each as the bytes that
the caller sent, so that a pass-through call can change three fields and keep the rest.
"""

from functools import cached_property
from typing import Literal, get_args

import msgspec

from domain.model_api.operations import OPERATIONS, Operation, OperationName
from domain.model_api.token_estimate import estimated_input
from domain.usage import Usage

Capability = Literal["tools", "images", "audio", "documents"]
CAPABILITIES: tuple[Capability, ...] = get_args(Capability)


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """A `multipart/form-data` body. It is sent with only the bytes from `model_start` to `model_end` replaced.

    It is kept unchanged otherwise. `content_type` is the header that contains the `boundary` between its parts.
    """

    content_type: str
    boundary: bytes
    body: bytes
    model_start: int
    model_end: int

    def with_model(self, model: str) -> tuple[memoryview, memoryview, memoryview]:
        """The form for a provider with that name of the model, in three parts: nothing is copied."""
        whole = memoryview(self.body)
        return whole[: self.model_start], memoryview(model.encode()), whole[self.model_end :]


class ModelCall(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One call to a model: its dialect, the `fields` of its body, and what the plan needs to know about them.

    `dialect` names the caller's API ("openai" is chat completions, "anthropic" messages), `operation` the kind of the
    call.

    `output_tokens_max` is the caller's own cap per choice (None: the caller gave none) and `cap_field` its field.
    `body_bytes` bounds the input: a token is never less than a byte of UTF-8. Only `images` may cost more tokens than
    the bytes they come in. `opaque_input` names a field whose tokens are not in the body (an image by URL, a file id),
    so that only the model's context bounds it. `hosted_tools` are tools that the provider runs and charges by the use,
    at most `hosted_uses_max` times if the caller bounded all of them. Otherwise the hub may bound them itself if the
    caller's dialect has a field for it: `hosted_unbounded` is the number of such fields, and `hosted_uses_given` the
    uses that the caller allows for the other tools. `uncounted` names a field that requests an answer before anything
    was counted. `relay_headers` are the few request headers that the provider reads (`anthropic-beta`); no other
    headers of the caller are sent.

    If the body is a `form` with files, the form is sent, and `fields` are its short texts as JSON. `inputs` are texts
    that each have a whole context: the texts of a batch of embeddings, prompts. `pieces` is what the request contains
    that may be charged by the piece, at most: requested images, seconds of video, characters of speech, seconds of a
    recording (rounded up). For search units it is the probable number, and `search_units_max` the most. `echoes` means
    that the input may be charged as output again. `size` and `quality` are requested for images or a video; None: the
    provider chooses. `needs` are capabilities that the messages need besides those for `images` and the fields: audio,
    documents.
    """

    dialect: str
    operation: OperationName = "chat"
    model: str
    fields: dict[str, msgspec.Raw]
    body_bytes: int
    stream: bool = False
    wants_usage: bool = True
    output_tokens_max: int | None = None
    cap_field: str | None = None
    choices: int = 1
    images: int = 0
    opaque_input: str | None = None
    hosted_tools: tuple[str, ...] = ()
    hosted_uses_max: int | None = None
    hosted_unbounded: int = 0
    hosted_uses_given: int = 0
    uncounted: str | None = None
    relay_headers: tuple[tuple[str, str], ...] = ()
    inputs: int = 1
    pieces: Usage = Usage()
    search_units_max: int = 0
    size: str | None = None
    quality: str | None = None
    echoes: bool = False
    form: Form | None = None
    needs: tuple[Capability, ...] = ()

    @property
    def kind(self) -> Operation:
        """What holds for calls of this operation."""
        return OPERATIONS[self.operation]

    @cached_property
    def likely_input_tokens(self) -> int:
        """The estimate of the input, computed once, and only if it is needed."""
        return estimated_input(self.fields)


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where an attempt goes: a provider with its URL, the model's name there, and one credential.

    `dialect` is the dialect of this attempt; if it is the caller's own, the call passes through.

    `sealed` is the credential's secret, encrypted; None if the provider needs none.
    """

    provider: str
    dialect: str
    base_url: str
    model: str
    credential_id: str | None
    sealed: bytes | None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One provider call about to be made. `output_cap` is the cap the hub sends instead of the caller's.

    `uses_cap` is how often each hosted tool may be used that the caller did not bound; None: the hub bounds none.
    `trace_headers` continue the call's trace at the provider.
    """

    call_id: str
    target: Target
    output_cap: int | None = None
    uses_cap: int | None = None
    timeout_ms: int
    trace_headers: tuple[tuple[str, str], ...] = ()


class AttemptRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one attempt went, for the call log: `outcome` is "answered" or a failure's kind.

    `cost_nanos` is what the provider asks for it, in nano-USD; None if that is unknown. `dropped` are the parameters
    that the provider's dialect cannot express and that it was made without.
    """

    provider: str
    credential_id: str | None = None
    outcome: str
    status: int = 0
    message: str = ""
    duration_ms: int = 0
    cost_nanos: int | None = None
    dropped: tuple[str, ...] = ()
