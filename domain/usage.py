"""What a call used, as disjoint units: nothing is counted twice and nothing is left out."""

import msgspec

# 69 billion of anything in one call. With `RATE_NANOS_MAX` in `domain/pricing/rate.py` it keeps every charge within 64
# bits.
UNITS_MAX = 2**36
# A million of what is priced by the piece, which is dearer: see `PIECE_NANOS_MAX` in `domain/pricing/rate.py`.
PIECES_MAX = 2**20
PIECES = frozenset(("tool_uses", "images", "seconds", "video_seconds", "requests", "search_units"))


class Usage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was used, as disjoint units: every unit is counted in exactly one field.

    A dialect normalises its provider's own convention into these: OpenAI counts cached tokens inside the prompt and
    reasoning inside the completion, Anthropic counts cache reads and writes in addition to the input.
    `cache_write_tokens` live five minutes, `cache_write_1h_tokens` an hour. `tool_uses` are hosted tools that the
    provider charges by the use, `images` images made, `characters` text spoken, `seconds` audio transcribed or made
    (rounded up to whole seconds), `video_seconds` video made, `requests` calls that are charged as such, and
    `search_units` what Cohere counts where documents are ranked: see `domain.model_api.rerank`.
    """

    input_tokens: int = 0
    input_audio_tokens: int = 0
    input_image_tokens: int = 0
    cache_read_tokens: int = 0
    cache_read_audio_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0
    output_audio_tokens: int = 0
    output_image_tokens: int = 0
    reasoning_tokens: int = 0
    tool_uses: int = 0
    images: int = 0
    characters: int = 0
    seconds: int = 0
    video_seconds: int = 0
    requests: int = 0
    search_units: int = 0

    def __post_init__(self) -> None:
        """Refuse a negative unit, and one so large that its price could not be booked."""
        units = msgspec.structs.astuple(self)
        if min(units) >= 0 and max(units) <= PIECES_MAX:
            return  # Streams repeat this for every chunk, and hardly ever have that much.
        for name in self.__struct_fields__:
            if not 0 <= getattr(self, name) <= (PIECES_MAX if name in PIECES else UNITS_MAX):
                raise ValueError(f"usage does not add up: {name} is {getattr(self, name)}")
