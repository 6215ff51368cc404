"""Google's signatures on texts and tool calls, in the field of Google's own endpoint for OpenAI's clients.

https://ai.google.dev/gemini-api/docs/thought-signatures#openai
"""

from typing import Any

import msgspec

from domain.dialects.signatures import googles, signed_by_google
from domain.model_api.requests import Part, Text


class _Google(msgspec.Struct):
    thought_signature: str | None = None


class ExtraContent(msgspec.Struct):
    """The extra field of a text or a call."""

    google: _Google | None = None


def extra_content(signature: str | None) -> dict[str, Any]:
    """The field with a signature; none where Google did not sign."""
    given = googles(signature)
    return {} if given is None else {"extra_content": {"google": {"thought_signature": given}}}


def signature_in(extra: ExtraContent | None) -> str | None:
    """Google's signature in canonical form."""
    given = extra.google.thought_signature if extra is not None and extra.google is not None else None
    return signed_by_google(given) if given else None


def sign(parts: list[Part], extra: ExtraContent | None) -> None:
    """Give the message's signature to its last text, to which it belongs."""
    signature = signature_in(extra)
    if signature is None:
        return
    if parts and isinstance(last := parts[-1], Text):
        parts[-1] = msgspec.structs.replace(last, signature=signature)
    else:
        parts.append(Text(text="", signature=signature))
