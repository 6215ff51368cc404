"""The code and the documents use the terms of `docs/glossary.md`: words of an older language do not come back."""

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")

# The word and the term that stands for it.
EVERYWHERE = {
    "apology": "error event",
    "film": "video",
    "mend": "repair, defect",
    "mended": "repaired",
    "mender": "repairs",
    "mending": "repairs",
    "mends": "repairs, defects",
    "films": "videos",
    "lot": "grant",
    "lots": "grants",
    "errand": "poll step",
    "errands": "poll steps",
    "picture": "image",
    "pictures": "images",
    "twin": "duplicate request",
    "twins": "duplicate requests",
    "sheet": "output state",
    "stick": "session affinity",
    "sticks": "session affinities",
    "stroke": "content-block event",
    "strokes": "content-block events",
    "unexpressible": "unsupported parameter",
    "unsayable": "unsupported parameter",
}
# In the parts of the tree that are written in plain English already.
PLAIN = EVERYWHERE | {
    "afresh": "again",
    "anew": "again",
    "desk": "context",
    "harmless": "without effect",
    "hears": "receives",
    "heard": "received",
    "shelf": "provider prices",
    "shelves": "provider prices",
    "stuck": "session affinity",
    "voice": "renderer",
    "voices": "renderers",
    "whoever": "a noun",
    "whom": "a noun",
}
RULES = PLAIN | {
    "beside": "besides, next to",
    "said": "output, reported",
    "say": "state",
    "tell": "report",
    "tells": "reports",
    "told": "reported",
}
# In names alone: in prose these are plain words. A test's own name is a sentence, and counts as prose.
NAMES = PLAIN | {
    "asked": "request, requested",
    "patience": "start timeout",
    "spoken": "dialect",
    "told": "reported",
    "undisturbed": "shielded",
    "way": "route node",
}
NAMED = ("adapters", "bench", "domain", "entrypoints", "ports", "tests")
# In the names of tests, which are sentences.
SENTENCES = PLAIN | {
    "asked": "requested, called, polled",
    "beside": "next to",
    "said": "sent, reported",
    "says": "reports, has",
    "tell": "report",
    "tells": "reports",
    "told": "reported",
}
TESTS = {"afresh": "again", "anew": "again", "heard": "received", "hears": "receives", "told": "reported"}
ROOMS = {
    "adapters": RULES,
    "bench": RULES,
    "docs": RULES,
    "domain": RULES,
    "entrypoints": RULES,
    "entrypoints/actions": RULES,
    "entrypoints/aws_lambda": RULES,
    "entrypoints/http": RULES,
    "entrypoints/http/api": RULES,
    "entrypoints/http/dialects/aigne": RULES,
    "entrypoints/http/dialects/anthropic": RULES,
    "entrypoints/http/dialects/google": RULES,
    "entrypoints/http/dialects/openai_chat": RULES,
    "entrypoints/http/dialects/openai_media": RULES,
    "entrypoints/http/dialects/openai_responses": RULES,
    "entrypoints/cli": RULES,
    "entrypoints/refusals": RULES,
    "entrypoints/serve": RULES,
    "entrypoints/server": RULES,
    "entrypoints/usecases": RULES,
    "ports": RULES,
    "CONTRIBUTING.md": RULES,
    "README.md": RULES,
    "SECURITY.md": RULES,
    "docs/architecture.md": RULES,
    "docs/decisions": RULES,
    "docs/how-to": RULES,
    "docs/unsupported.md": RULES,
} | {f"entrypoints/{path.name}": RULES for path in (ROOT / "entrypoints").glob("*.py")}
# Places whose word is somebody else's: a media type, or a vendor's field.
QUOTED = {
    "adapters/providers/bedrock/media.py": {"sheet"},
    "adapters/providers/echo/audio.py": {"voice"},
    "bench/run.py": {"anew"},  # in the names of rows
    "bench/traffic.py": {"say"},  # in a prompt
    "entrypoints/http/not_offered.py": {"voice", "voices"},
}
# A field of a vendor.
QUOTED_NAMES = {
    "adapters/providers/echo/audio.py": {"voice"},
    "tests/behaviour/test_audio.py": {"voice"},
}


def _sources(room: str) -> list[Path]:
    path = ROOT / room
    if path.is_file():
        return [path]
    return [found for suffix in ("py", "md") for found in sorted(path.rglob(f"*.{suffix}"))]


def _words(path: Path) -> Iterator[tuple[int, str]]:
    """The words of names and prose, with their lines; `snake_case` and `CamelCase` are taken apart."""
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        for word in _WORD.findall(line):
            yield number, word.lower()


def _tokens(path: Path) -> Iterator[tokenize.TokenInfo]:
    return tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline)


@pytest.mark.parametrize("room", NAMED)
def test_names_in_code_are_terms(room: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{token.start[0]}: {token.string}: write {NAMES[word.lower()]}"
        for path in sorted((ROOT / room).rglob("*.py"))
        for token in _tokens(path)
        if token.type == tokenize.NAME and not token.string.startswith("test_")
        for word in _WORD.findall(token.string)
        if word.lower() in NAMES and token.string not in QUOTED_NAMES.get(path.relative_to(ROOT).as_posix(), ())
    ]

    assert [] == found


def test_comments_and_docstrings_of_tests_are_plain() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{token.start[0]}: {word}: write {TESTS[word.lower()]}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for token in _tokens(path)
        if token.type == tokenize.COMMENT or (token.type == tokenize.STRING and token.string.startswith('"""'))
        for word in _WORD.findall(token.string)
        if word.lower() in TESTS
    ]

    assert [] == found


def test_the_names_of_tests_are_plain_sentences() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{token.start[0]}: {token.string}: write {SENTENCES[word]}"
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for token in _tokens(path)
        if token.type == tokenize.NAME and token.string.startswith("test_")
        for word in token.string.split("_")
        if word in SENTENCES
    ]

    assert [] == found


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_no_word_of_the_older_language_comes_back(room: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {word}: write {ROOMS[room][word]}"
        for path in _sources(room)
        for number, word in _words(path)
        if word in ROOMS[room] and word not in QUOTED.get(path.relative_to(ROOT).as_posix(), ())
    ]

    assert [] == found


def test_a_place_with_a_quotation_has_it() -> None:
    unused = [
        f"{name}: {word}"
        for name, words in QUOTED.items()
        for word in sorted(words - {word for _, word in _words(ROOT / name)})
    ]

    assert [] == unused


def test_the_names_of_modules_are_in_the_same_language() -> None:
    named = [
        f"{path.relative_to(ROOT)}: {word}"
        for room in ("domain", "ports", "adapters", "entrypoints")
        for path in _sources(room)
        for word in _WORD.findall(path.stem)
        if word in PLAIN
    ]

    assert [] == named
