"""Spellings of paths: base URLs with `/v1` twice or not at all, with a prefix or a whole endpoint, needless slashes.

SDKs append their own path to the configured base URL, and differ in whether the base URL includes `/v1`: OpenAI's
expects it there, Anthropic's adds it. Each spelling leads to the one path of the route table.
"""

from collections.abc import Callable, Iterable

# Prefixes that a base URL may add to the path: `/v1` again, Azure's and Groq's `/openai/v1`, DeepSeek's `/anthropic`,
# OpenRouter's `/api/v1`, with or without the hub's `/openrouter` before it, Google's `/v1beta/openai`.
_PREFIXES = ("v1", "openai", "anthropic", "openrouter", "v1beta")
_DEPLOYMENTS = ["deployments"]


def canonical_paths(templates: Iterable[str], surfaces: Iterable[str] = ()) -> Callable[[str], str]:
    """The function from a path as written to the path in the route table.

    `templates` are those of the route table. `surfaces` are further first segments under `/v1` that are not served but
    named in an error. An unknown path only loses its needless slashes.
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
        if parts.count(parts[-1] if parts else "") > 1 and (twice := _of_an_endpoint(parts, known)) is not None:
            return twice
        rest, last = _without_prefixes(parts)
        if last == "v1beta" and last in roots:
            return "/".join(("/v1beta", *rest))
        if rest[:1] == _DEPLOYMENTS:
            return "/".join(("/openai", *rest))
        if rest and rest[0] in heads:
            return "/".join(("/v1", *rest))
        return "/".join(("", *rest)) if rest and rest[0] in roots else plain

    return canonical


def _of_an_endpoint(parts: list[str], known: frozenset[str]) -> str | None:
    """The path if the base URL is itself that of an endpoint: `/v1/chat/completions` before `/chat/completions`."""
    for cut in range(1, len(parts)):
        before, after = ("/".join(("/v1", *_without_prefixes(half)[0])) for half in (parts[:cut], parts[cut:]))
        if before == after and after in known and after != "/v1/models":  # A model may be named `models`.
            return after
    return None


def _without_prefixes(parts: list[str]) -> tuple[list[str], str]:
    """The path without the prefixes of a base URL, and the last prefix that was removed."""
    rest, last = parts, ""
    while len(rest) > 1 and (rest[0] in _PREFIXES or rest[:2] == ["api", "v1"]):
        last, *rest = rest if rest[0] != "api" else rest[1:]
    return rest, last
