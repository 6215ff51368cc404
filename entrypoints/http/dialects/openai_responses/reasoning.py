"""Reasoning of any vendor as a reasoning item, and back.

House rule: this module both packs and unpacks. Signatures and encrypted reasoning of other vendors are in
`encrypted_content`, after a prefix that distinguishes the two; OpenAI's own content has no prefix.
"""

from domain.dialects.openrouter_reasoning import RESPONSES, Detail, thought_of
from domain.dialects.signatures import REDACTED, SIGNED
from domain.model_api.requests import Reasoning


def packed(signature: str | None, redacted: str | None) -> str | None:
    """The `encrypted_content` of an item, None for a thought without a signature."""
    if redacted is not None:
        return REDACTED + redacted
    return None if signature is None else SIGNED + signature


def unpacked(text: str, encrypted: str | None, item_id: str | None) -> Reasoning:
    """A thought as it came back."""
    if encrypted is None:
        return Reasoning(text=text)
    if encrypted.startswith(SIGNED):
        return Reasoning(text=text, signature=encrypted.removeprefix(SIGNED))
    if encrypted.startswith(REDACTED):
        return Reasoning(text=text, redacted=encrypted.removeprefix(REDACTED))
    proof = thought_of(Detail(type="reasoning.encrypted", data=encrypted, id=item_id, format=RESPONSES))
    return Reasoning(text=text, redacted=proof.redacted)
