"""The most that a model can write: missing in the catalogue, but on its maker's model pages.

House rule: only limits that a maker states for the family are here, the largest that it allows under any header. A
model that is not here is bounded by its context, which holds more credit than needed but never too little.

https://platform.claude.com/docs/en/about-claude/models/overview · https://developers.openai.com/api/docs/models ·
https://ai.google.dev/gemini-api/docs/models · https://api-docs.deepseek.com/quick_start/pricing
"""

# Prefixes of names; a longer one comes before a shorter one that it begins with.
_ANTHROPIC = (
    ("claude-3-7-sonnet", 128_000),
    ("claude-3-5", 8_192),
    ("claude-3-", 4_096),
    ("claude-opus-4-0", 32_000),
    ("claude-opus-4-1", 32_000),
    ("claude-opus-4-5", 64_000),
    ("claude-opus-4-6", 128_000),
    ("claude-opus-4-7", 128_000),
    ("claude-opus-4-8", 128_000),
    ("claude-sonnet-4-0", 64_000),
    ("claude-sonnet-4-5", 64_000),
    ("claude-sonnet-4-6", 128_000),
    ("claude-haiku-4-5", 64_000),
)
_LIMITS: dict[str, tuple[tuple[str, int], ...]] = {
    "anthropic": _ANTHROPIC,
    "google": (
        ("gemini-1.5", 8_192),
        ("gemini-2.0", 8_192),
        ("gemini-2.5-flash-image", 32_768),
        ("gemini-2.5", 65_536),
        ("gemini-3-pro-image", 32_768),
        ("gemini-3-", 65_536),
        *_ANTHROPIC,
    ),
    "openai": (
        ("gpt-3.5-turbo", 4_096),
        ("gpt-4-turbo", 4_096),
        ("gpt-4.1", 32_768),
        ("gpt-4o:extended", 65_536),
        ("gpt-4o", 16_384),
        ("gpt-5-chat", 16_384),
        ("gpt-5-pro", 272_000),
        ("gpt-5", 128_000),
        ("o1-mini", 65_536),
        ("o1-preview", 32_768),
        ("o1", 100_000),
        ("o3", 100_000),
        ("o4-mini", 100_000),
    ),
    "deepseek": (("deepseek-chat", 8_192), ("deepseek-reasoner", 65_536)),
}


def output_tokens_max(provider: str, model: str) -> int | None:
    """Return the most tokens that the model writes in one answer; None if its maker does not state it."""
    return next((limit for prefix, limit in _LIMITS.get(provider, ()) if model.startswith(prefix)), None)
