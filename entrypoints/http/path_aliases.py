"""Paths as people write them: base URLs with `/v1` twice or not at all, a vendor's own prefix, needless slashes.

SDKs append their own path to the base URL that they are given, and differ in whether `/v1` belongs to it: OpenAI's
wants it there, Anthropic's adds it. Each spelling leads to the one path of the route table.
"""

from collections.abc import Callable, Iterable

# What a base URL may have before the path: `/v1` again, Azure's and Groq's `/openai/v1`, DeepSeek's `/anthropic`,
# OpenRouter's `/api/v1`, Google's `/v1beta/openai`.
_PREFIXES = ("v1", "openai", "anthropic", "v1beta")
_DEPLOYMENTS = ["deployments"]


def canonical_paths(templates: Iterable[str], surfaces: Iterable[str] = ()) -> Callable[[str], str]:
    """The function from a path as it was written to the path that the route table knows.

    `templates` are those of the route table, `surfaces` further first words under `/v1`, which are not served but named
    in an error. A path that leads nowhere stays as it is, but for needless slashes.
    """
    known = frozenset(templates)
    heads = {template.split("/")[2] for template in known if template.startswith("/v1/")} | set(surfaces)
    roots = {template.split("/")[1] for template in known if not template.startswith("/v1/")} - {""}

    def canonical(path: str) -> str:
        if path in known:
            return path
        parts = [part for part in path.split("/") if part]
        plain = "/" + "/".join(parts)
        if plain in known:
            return plain
        rest, last = _without_prefixes(parts)
        if last == "v1beta" and last in roots:
            return "/".join(("/v1beta", *rest))
        if rest[:1] == _DEPLOYMENTS:
            return "/".join(("/openai", *rest))
        if rest and rest[0] in heads:
            return "/".join(("/v1", *rest))
        return "/".join(("", *rest)) if rest and rest[0] in roots else plain

    return canonical


def _without_prefixes(parts: list[str]) -> tuple[list[str], str]:
    """What is left of a path without what a base URL may begin with, and the last prefix that was taken away."""
    rest, last = parts, ""
    while len(rest) > 1 and (rest[0] in _PREFIXES or rest[:2] == ["api", "v1"]):
        last, *rest = rest if rest[0] != "api" else rest[1:]
    return rest, last
