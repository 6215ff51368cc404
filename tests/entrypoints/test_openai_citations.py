"""What other vendors' sources and blocks look like to callers of chat completions, whole and streamed."""

import json
from typing import Any

import msgspec

from domain.model_api.events import CitationDelta, Event, ProviderBlock, TextDelta
from entrypoints.http.dialects.openai_chat import OPENAI_CALLER
from tests.support.rendering import a_rendering

RENDERING = a_rendering()


def message(*events: Event) -> Any:
    return json.loads(OPENAI_CALLER.whole(events, RENDERING))["choices"][0]["message"]


def last_delta(*events: Event) -> Any:
    state, piece = OPENAI_CALLER.start(RENDERING), b""
    for event in events:
        state, piece = OPENAI_CALLER.render(state, event)
    (line,) = piece.decode().split("\n\n")[:-1]
    return json.loads(line.removeprefix("data: "))["choices"][0]["delta"]


def test_a_source_without_a_place_is_of_the_text_block_before_it() -> None:
    cited = msgspec.Raw(b'{"type":"web_search_result_location","url":"https://x.test"}')
    page = CitationDelta(citation=cited, dialect="anthropic")
    events = (TextDelta(text="Grüße. "), TextDelta(text="Big", block=1), TextDelta(text="!", block=1), page)
    place = {"url": "https://x.test", "title": "", "start_index": 7, "end_index": 11}

    assert [{"type": "url_citation", "url_citation": place}] == message(*events)["annotations"]
    assert [{"type": "url_citation", "url_citation": place}] == last_delta(*events)["annotations"]


def test_a_block_that_was_written_in_lines_does_not_end_its_event() -> None:
    block = ProviderBlock(dialect="anthropic", name="x", block=msgspec.Raw(b'{\r\n"a":\n"b\\n"\n\n}'))

    assert [{"a": "b\n"}] == [each["block"] for each in last_delta(block)["provider_blocks"]]
