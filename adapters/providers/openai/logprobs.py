"""The `logprobs` of a choice, for callers of another dialect."""

import msgspec

from adapters.providers.lenient_json import Lenient
from domain.model_api.events import ProviderBlock


class _Logprobs(msgspec.Struct, frozen=True):
    content: list[msgspec.Raw] | None = None


_LOGPROBS = Lenient(_Logprobs)


def logprobs(raw: msgspec.Raw, choice: int) -> tuple[ProviderBlock, ...]:
    """Return the tokens with their alternatives; nothing if they are not in OpenAI's format."""
    try:
        content = _LOGPROBS.decode(raw).content
    except msgspec.MsgspecError:
        return ()
    if not content:
        return ()
    block = msgspec.Raw(msgspec.json.encode({"content": content}))
    return (ProviderBlock(dialect="openai", name="logprobs", block=block, choice=choice, generated=False),)
