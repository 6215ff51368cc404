"""The vendors that the hub knows by name: a known name brings its dialect and its URL.

A vendor that speaks a known dialect is one entry here. `patterns` are the beginnings of model names by which a bare
name finds its vendor where no rate says who serves it.
"""

import msgspec

from domain.calls import ModelCall, Operation


class Vendor(msgspec.Struct, frozen=True, kw_only=True):
    """A provider of models as the public knows it. `env` is the variable that may hold its keys.

    `dialect` is what its chat is spoken in; `also` are further dialects of callers that it speaks by itself.
    """

    name: str
    dialect: str
    base_url: str
    env: str | None = None
    patterns: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    @property
    def needs_credential(self) -> bool:
        """Whether a call without a secret is pointless."""
        return self.env is not None


ECHO = Vendor(name="echo", dialect="openai", base_url="echo://local", patterns=("echo",))

VENDORS: dict[str, Vendor] = {
    vendor.name: vendor
    for vendor in (
        ECHO,
        Vendor(
            name="openai",
            dialect="openai",
            base_url="https://api.openai.com/v1",
            env="OPENAI_API_KEY",
            patterns=("gpt-", "chatgpt-", "o1", "o3", "o4", "dall-e", "text-embedding", "sora"),
        ),
        Vendor(
            name="anthropic",
            dialect="anthropic",
            base_url="https://api.anthropic.com/v1",
            env="ANTHROPIC_API_KEY",
            patterns=("claude",),
        ),
        # Compatible with OpenAI's dialect, as each documents it; data and no code.
        Vendor(
            name="deepseek",
            dialect="openai",
            base_url="https://api.deepseek.com/v1",
            env="DEEPSEEK_API_KEY",
            patterns=("deepseek",),
        ),
        Vendor(name="xai", dialect="openai", base_url="https://api.x.ai/v1", env="XAI_API_KEY", patterns=("grok",)),
        Vendor(
            name="mistral",
            dialect="openai",
            base_url="https://api.mistral.ai/v1",
            env="MISTRAL_API_KEY",
            patterns=("mistral", "ministral", "magistral", "codestral", "devstral", "pixtral"),
        ),
        Vendor(
            name="zai", dialect="openai", base_url="https://api.z.ai/api/paas/v4", env="ZAI_API_KEY", patterns=("glm",)
        ),
        Vendor(
            name="doubao",
            dialect="openai",
            base_url="https://ark.cn-beijing.volces.com/api/v3",
            env="DOUBAO_API_KEY",
            patterns=("doubao",),
        ),
        Vendor(name="openrouter", dialect="openai", base_url="https://openrouter.ai/api/v1", env="OPENROUTER_API_KEY"),
        Vendor(name="groq", dialect="openai", base_url="https://api.groq.com/openai/v1", env="GROQ_API_KEY"),
        Vendor(name="cerebras", dialect="openai", base_url="https://api.cerebras.ai/v1", env="CEREBRAS_API_KEY"),
        Vendor(name="together", dialect="openai", base_url="https://api.together.xyz/v1", env="TOGETHER_API_KEY"),
        Vendor(
            name="fireworks",
            dialect="openai",
            base_url="https://api.fireworks.ai/inference/v1",
            env="FIREWORKS_API_KEY",
        ),
        Vendor(name="huggingface", dialect="openai", base_url="https://router.huggingface.co/v1", env="HF_TOKEN"),
        Vendor(name="poe", dialect="openai", base_url="https://api.poe.com/v1", env="POE_API_KEY"),
        Vendor(name="ollama", dialect="openai", base_url="http://127.0.0.1:11434/v1"),
    )
}
DIALECTS = ("openai", "anthropic", "echo")

# What a provider of each dialect of chat is spoken to in for other operations; one that is not here it cannot do.
_SPOKEN: dict[str, dict[Operation, str]] = {}


def spoken(provider: str, dialect: str, call: ModelCall) -> str | None:
    """What an attempt at the call is spoken in with a provider of that name and dialect; None if it cannot do it.

    The caller's own dialect where the provider speaks it: then the call passes through as it is. Else the provider's
    own for the operation, translated.
    """
    if call.dialect == dialect:
        return dialect
    vendor = VENDORS.get(provider)
    if vendor is not None and call.dialect in vendor.also:
        return call.dialect
    return dialect if call.operation == "chat" else _SPOKEN.get(dialect, {}).get(call.operation)
