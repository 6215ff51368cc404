"""Fields of OpenAI's that a dialect without a word for them may leave out, since that changes nothing in the answer.

They are labels that OpenAI keeps beside a stored completion and hints for its cache, whatever they say; and fields
that are set to what everybody does anyway, by how that is spelled in JSON.
"""

import msgspec

_LABELS = ("metadata", "prompt_cache_key", "safety_identifier", "stream_options")
_USUAL: dict[str, tuple[bytes, ...]] = {
    "store": (b"false",),
    "service_tier": (b'"auto"', b'"default"'),
    "logprobs": (b"false",),
    "frequency_penalty": (b"0", b"0.0"),
    "presence_penalty": (b"0", b"0.0"),
    "logit_bias": (b"{}",),
    "modalities": (b'["text"]',),
    "verbosity": (b'"medium"',),
    # Groq's: thinking is told apart from the text anyway (https://console.groq.com/docs/reasoning).
    "reasoning_format": (b'"parsed"',),
    # Cerebras': all thinking that comes back goes on (https://inference-docs.cerebras.ai/capabilities/reasoning).
    "clear_thinking": (b"false",),
    # Anthropic's: thinking is shown wherever the provider shows it.
    "thinking.display": (b'"summarized"',),
}


def is_harmless(name: str, value: msgspec.Raw) -> bool:
    """Whether the field may be left out."""
    spelled = bytes(value)
    return name in _LABELS or spelled == b"null" or spelled.translate(None, b" \t\r\n") in _USUAL.get(name, ())
