"""The vendors that the hub knows by name: a known name brings its dialect and its URL.

A vendor that speaks a known dialect is one entry here. `patterns` are the beginnings of model names by which a bare
name finds its vendor where no rate says who serves it.
"""

import msgspec


class Vendor(msgspec.Struct, frozen=True, kw_only=True):
    """A provider of models as the public knows it. `env` is the variable that may hold its keys."""

    name: str
    dialect: str
    base_url: str
    env: str | None = None
    patterns: tuple[str, ...] = ()

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
    )
}
DIALECTS = ("openai", "anthropic", "echo")
