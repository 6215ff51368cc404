"""Gemini's usage, unit by unit: hand-computed examples, and the law that every token is counted exactly once."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.providers.google.usage import reported
from domain.usage import Usage

COUNTS = st.integers(0, 10**6)


def counted(counts: dict[str, Any], tool_uses: int = 0) -> Usage:
    _, (report,) = reported(msgspec.Raw(msgspec.json.encode(counts)), None, tool_uses)
    return report.usage


def details(**counts: int) -> list[dict[str, Any]]:
    return [{"modality": modality, "tokenCount": count} for modality, count in counts.items()]


def test_cached_tokens_are_inside_the_prompt_and_thoughts_outside_the_answer() -> None:
    counts = {"promptTokenCount": 3520, "cachedContentTokenCount": 3512, "candidatesTokenCount": 2}
    counts |= {"thoughtsTokenCount": 42, "totalTokenCount": 3564}

    assert Usage(input_tokens=8, cache_read_tokens=3512, output_tokens=2, reasoning_tokens=42) == counted(counts)


def test_audio_and_images_are_split_off_also_from_cached_tokens() -> None:
    counts = {
        "promptTokenCount": 17_713,
        "cachedContentTokenCount": 17_379,
        "promptTokensDetails": details(TEXT=16, VIDEO=15_000, IMAGE=780, AUDIO=1917),
        "cacheTokensDetails": details(AUDIO=1881, TEXT=15, VIDEO=14_903, IMAGE=580),
        "candidatesTokenCount": 68,
    }

    assert Usage(
        input_tokens=98,
        input_audio_tokens=36,
        input_image_tokens=200,
        cache_read_tokens=15_498,
        cache_read_audio_tokens=1881,
        output_tokens=68,
    ) == counted(counts)


def test_the_pages_of_a_document_are_images() -> None:
    counts = {"promptTokenCount": 300, "promptTokensDetails": details(TEXT=42, DOCUMENT=258)}

    assert Usage(input_tokens=42, input_image_tokens=258) == counted(counts)


def test_what_hosted_tools_found_is_input_and_their_uses_are_counted() -> None:
    counts = {"promptTokenCount": 32, "toolUsePromptTokenCount": 4610, "candidatesTokenCount": 25}

    assert Usage(input_tokens=4642, output_tokens=25, tool_uses=2) == counted(counts, tool_uses=2)


def test_images_and_audio_in_the_answer_have_units_of_their_own() -> None:
    counts = {"promptTokenCount": 7, "candidatesTokenCount": 1400}
    counts |= {"candidatesTokensDetails": details(IMAGE=1290, AUDIO=100)}  # type: ignore[dict-item]

    assert Usage(input_tokens=7, output_tokens=10, output_image_tokens=1290, output_audio_tokens=100) == counted(counts)


@pytest.mark.parametrize(
    ("counts", "output", "reasoning"),
    [
        ({"candidatesTokenCount": 5, "thoughtsTokenCount": 30, "totalTokenCount": 45}, 5, 30),  # beside
        ({"candidatesTokenCount": 35, "thoughtsTokenCount": 30, "totalTokenCount": 45}, 5, 30),  # inside
        ({"candidatesTokenCount": 5, "totalTokenCount": 45}, 5, 30),  # in the total alone
        ({"candidatesTokenCount": 5, "thoughtsTokenCount": 30}, 5, 30),
        ({"totalTokenCount": 10}, 0, 0),
    ],
)
def test_thoughts_are_counted_once_in_any_report(counts: dict[str, int], output: int, reasoning: int) -> None:
    usage = counted({"promptTokenCount": 10, **counts})

    assert (output, reasoning) == (usage.output_tokens, usage.reasoning_tokens)


def test_a_report_without_a_prompt_counts_the_rest_and_one_of_nothing_is_none() -> None:
    assert Usage(output_tokens=6) == counted({"candidatesTokenCount": 6})
    assert (None, ()) == reported(msgspec.Raw(b"null"), None, 0)
    assert () == reported(msgspec.Raw(b'{"totalTokenCount":0}'), None, 0)[1]


def test_a_later_chunk_revises_what_was_counted() -> None:
    """As recorded: less of the prompt, and no answer beside the thoughts any more."""
    first = msgspec.Raw(b'{"promptTokenCount":169,"candidatesTokenCount":21,"totalTokenCount":190}')
    last = msgspec.Raw(b'{"promptTokenCount":79,"thoughtsTokenCount":78,"totalTokenCount":157}')

    before, _ = reported(first, None, 0)
    _, (report,) = reported(last, before, 0)

    assert Usage(input_tokens=79, reasoning_tokens=78) == report.usage


def test_a_later_chunk_takes_nothing_from_what_was_counted() -> None:
    """Each chunk tells the whole answer so far; a 0 after a count is no report."""
    first = msgspec.Raw(b'{"promptTokenCount":100,"cachedContentTokenCount":80,"candidatesTokenCount":2}')
    last = msgspec.Raw(b'{"promptTokenCount":0,"cachedContentTokenCount":0,"candidatesTokenCount":9}')

    before, _ = reported(first, None, 0)
    _, (report,) = reported(last, before, 0)

    assert Usage(input_tokens=20, cache_read_tokens=80, output_tokens=9) == report.usage


@given(st.data(), COUNTS, COUNTS, COUNTS, COUNTS)
def test_every_token_is_in_one_unit(data: st.DataObject, prompt: int, tools: int, answered: int, thoughts: int) -> None:
    """Whatever the details say, which need not add up, the leaves do."""
    cached = data.draw(st.integers(0, prompt))
    kinds = st.lists(st.fixed_dictionaries({"modality": st.sampled_from(["TEXT", "AUDIO", "IMAGE", "DOCUMENT", ""]),
                                            "tokenCount": COUNTS}), max_size=4)  # fmt: skip
    counts = {
        "promptTokenCount": prompt,
        "toolUsePromptTokenCount": tools,
        "cachedContentTokenCount": cached,
        "candidatesTokenCount": answered,
        "thoughtsTokenCount": thoughts,
        "totalTokenCount": prompt + tools + answered + thoughts,
        "promptTokensDetails": data.draw(kinds),
        "cacheTokensDetails": data.draw(kinds),
        "candidatesTokensDetails": data.draw(kinds),
    }

    usage = counted(counts)

    assert prompt + tools + answered + thoughts == sum(getattr(usage, name) for name in usage.__struct_fields__)
    assert cached == usage.cache_read_tokens + usage.cache_read_audio_tokens
    assert thoughts == usage.reasoning_tokens
