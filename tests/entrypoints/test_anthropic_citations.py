"""Citations of other vendors, for callers of Anthropic's dialect."""

import json
from typing import Any

import msgspec

from adapters.providers.anthropic import ANTHROPIC
from domain.model_api.events import CitationDelta, Ended, Finished, TextDelta
from domain.model_api.requests import ChatRequest, Message, Text
from entrypoints.http.dialects.anthropic import ANTHROPIC_CALLER
from tests.support.anthropic import attempt
from tests.support.rendering import a_rendering

RENDERING = a_rendering()


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def test_a_page_that_another_vendor_cites_takes_anthropics_form_and_does_not_come_back_as_anthropics_own() -> None:
    page = {"type": "url_citation", "url_citation": {"url": "https://a.test", "title": "A", "start_index": 0}}
    cited = CitationDelta(citation=raw(page), dialect="openai")
    other = CitationDelta(citation=raw({"type": "file_citation"}), dialect="openai")
    events = (TextDelta(text="So."), cited, other, Finished(reason="stop"), Ended())
    own = {"type": "char_location", "cited_text": "x", "document_index": 0}

    (block,) = json.loads(ANTHROPIC_CALLER.whole(events, RENDERING))["content"]

    assert [("web_search_result_location", "https://a.test", "A")] == [
        (each["type"], each["url"], each["title"]) for each in block["citations"]
    ]
    for citations, kept in ((block["citations"], None), ([*block["citations"], own], [own]), ([own], [own])):
        said = Message(role="assistant", parts=(Text(text="So.", citations=raw(citations)),))
        body = ANTHROPIC.encode(ChatRequest(model="m", messages=(said,)), attempt())
        assert kept == json.loads(body)["messages"][0]["content"][0].get("citations")
