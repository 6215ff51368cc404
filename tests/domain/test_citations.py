"""A source on the web is known in every dialect that cites one, and nothing else is taken for one."""

import json
from typing import Any

import msgspec
import pytest

from domain.model_api.citations import Source, source_of
from domain.model_api.events import CitationDelta


def source(dialect: str, citation: Any) -> Source | None:
    return source_of(CitationDelta(dialect=dialect, citation=msgspec.Raw(json.dumps(citation).encode())))


@pytest.mark.parametrize(
    ("dialect", "citation", "reported"),
    [
        (
            "openai",
            {"type": "url_citation", "url_citation": {"url": "u", "title": "t", "start_index": 2, "end_index": 5}},
            Source(url="u", title="t", start=2, end=5),
        ),
        (
            "anthropic",
            {
                "type": "web_search_result_location",
                "url": "u",
                "title": None,
                "cited_text": "c",
                "encrypted_index": "e",
            },
            Source(url="u", text="c"),
        ),
        ("google", {"url": "u", "text": "c", "start": 0, "end": 1}, Source(url="u", text="c", start=0, end=1)),
        ("anthropic", {"type": "char_location", "document_index": 0, "cited_text": "c"}, None),
        ("openai", {"type": "file_citation", "file_citation": {}}, None),
        ("bedrock", {"location": {}}, None),
        ("google", [], None),
    ],
)
def test_who_cites_what(dialect: str, citation: Any, reported: Source | None) -> None:
    assert reported == source(dialect, citation)
