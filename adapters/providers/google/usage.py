"""Convert Gemini's usage to disjoint units.

House rule: every token is counted in one unit, at the price that Google charges for it.

`promptTokenCount` includes cached tokens, while thoughts and the results of Google's own tools are counted in addition
to prompt and candidates: the total "is the sum of prompt_token_count, candidates_token_count,
tool_use_prompt_token_count, and thoughts_token_count". https://ai.google.dev/api/generate-content#UsageMetadata
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from adapters.providers.decode_errors import Count
from adapters.providers.usage_counts import Reader, covering, greatest, revised, usage_of
from domain.model_api.events import UsageReported
from domain.usage import Usage

# Pages of a document are read, and priced, as images.
_IMAGES = ("IMAGE", "DOCUMENT")


class ModalityCount(msgspec.Struct, frozen=True, rename="camel"):
    """The number of tokens of one modality."""

    modality: str | None = None
    token_count: Count | None = None


_Details = list[ModalityCount] | None


class Report(msgspec.Struct, frozen=True, rename="camel"):
    """The `usageMetadata` of an answer or of a chunk; each counts the whole answer so far."""

    prompt_token_count: Count | None = None
    cached_content_token_count: Count | None = None
    candidates_token_count: Count | None = None
    thoughts_token_count: Count | None = None
    tool_use_prompt_token_count: Count | None = None
    total_token_count: Count | None = None
    prompt_tokens_details: _Details = None
    cache_tokens_details: _Details = None
    candidates_tokens_details: _Details = None
    tool_use_prompt_tokens_details: _Details = None
    service_tier: Any = None
    traffic_type: Any = None


_READER = Reader(Report)


def reported(
    raw: msgspec.Raw, before: Report | None, tool_uses: int
) -> tuple[Report | None, tuple[UsageReported, ...]]:
    """Merge a chunk's `usageMetadata` with the earlier ones; return it with the event of their counts.

    `tool_uses` are the uses of hosted tools so far. There is no event if there is no usage object, or none with counts.
    """
    notes: list[str] = []
    report = _READER.read(raw, notes)
    if report is None and not notes:
        return before, ()
    report = before if report is None else _on_top(before, report)
    usage = None if report is None else _units(report, tool_uses, notes)
    if report is None or (usage is None and not notes):
        return report, (UsageReported(usage=Usage(), notes=tuple(notes)),) if notes else ()
    event = UsageReported(usage=usage or Usage(), service_tier=_service(report), notes=tuple(notes), running=True)
    return report, (event,)


def _on_top(before: Report | None, report: Report) -> Report:
    """Merge a chunk's report with the one before: Gemini revises its counts, and a count left out is 0.

    A report without a prompt count after one with it does not cover the whole answer.
    """
    if before is not None and before.prompt_token_count and not report.prompt_token_count:
        return greatest(before, report)
    return revised(before, report)


def _service(report: Report) -> str | None:
    """Return the service tier: Gemini's `serviceTier`, or Vertex AI's `trafficType` (ON_DEMAND_PRIORITY, _FLEX).

    https://ai.google.dev/gemini-api/docs/priority-inference: a priority request may be served at the standard tier.
    """
    if isinstance(report.service_tier, str):
        return report.service_tier.removeprefix("SERVICE_TIER_").lower()
    if isinstance(report.traffic_type, str):
        return report.traffic_type.rpartition("_")[2].lower()
    return None


def _units(report: Report, tool_uses: int, notes: list[str]) -> Usage | None:
    """Return the report as units, with the uses of hosted tools; None if it has no counts, which is no report.

    Example: a prompt of 3,520 tokens, 3,512 of them cached, 42 thoughts, 2 of answer: input 8, cache read 3,512,
    reasoning 42, output 2.
    """
    if report.prompt_token_count is None and not report.candidates_token_count:
        return None
    reported_prompt = (report.prompt_token_count or 0) + (report.tool_use_prompt_token_count or 0)
    cached = report.cached_content_token_count or 0
    prompt = reported_prompt if cached <= reported_prompt else covering(
        notes, ("promptTokenCount", reported_prompt), ("cachedContentTokenCount", cached)
    )  # fmt: skip
    fresh = prompt - cached
    output, reasoning = _output(report, reported_prompt)
    if not cached and not _is_mixed(report):
        units = {
            "input_tokens": prompt,
            "output_tokens": output,
            "reasoning_tokens": reasoning,
            "tool_uses": tool_uses,
        }
        return usage_of(notes, units)
    details = (*(report.prompt_tokens_details or ()), *(report.tool_use_prompt_tokens_details or ()))
    # The details need not add up to the counts, because they leave out tool declarations; never more is split off than
    # the count.
    cached_audio = min(_of(report.cache_tokens_details, "AUDIO"), cached)
    audio = min(max(0, _of(details, "AUDIO") - cached_audio), fresh)
    images = min(max(0, _of(details, *_IMAGES) - _of(report.cache_tokens_details, *_IMAGES)), fresh - audio)
    output_audio = min(_of(report.candidates_tokens_details, "AUDIO"), output)
    output_images = min(_of(report.candidates_tokens_details, *_IMAGES), output - output_audio)
    units = {
        "input_tokens": fresh - audio - images,
        "input_audio_tokens": audio,
        "input_image_tokens": images,
        "cache_read_tokens": cached - cached_audio,
        "cache_read_audio_tokens": cached_audio,
        "output_tokens": output - output_audio - output_images,
        "output_audio_tokens": output_audio,
        "output_image_tokens": output_images,
        "reasoning_tokens": reasoning,
        "tool_uses": tool_uses,
    }
    return usage_of(notes, units)


def _output(report: Report, prompt: int) -> tuple[int, int]:
    """Return the tokens of the answer and of thoughts.

    The total shows where thoughts are counted: now in addition to the candidates; by some earlier models inside them;
    by others only in the total. They are charged in each case.
    """
    answered, total = report.candidates_token_count or 0, report.total_token_count or 0
    thoughts = report.thoughts_token_count
    if thoughts is None:
        return answered, max(0, total - prompt - answered)
    if total == prompt + answered and thoughts <= answered:
        return answered - thoughts, thoughts
    return answered, thoughts


def _is_mixed(report: Report) -> bool:
    """Whether anything but text is counted; most streams repeat with every chunk that it is not."""
    for details in (
        report.prompt_tokens_details,
        report.tool_use_prompt_tokens_details,
        report.candidates_tokens_details,
    ):
        if details and (len(details) > 1 or details[0].modality != "TEXT"):
            return True
    return False


def _of(details: Iterable[ModalityCount] | None, *modalities: str) -> int:
    return sum(part.token_count or 0 for part in details or () if part.modality in modalities)
