"""What a call used, as disjoint units: nothing is counted twice and nothing is left out."""

from typing import Literal

import msgspec

# 69 billion of anything in one call. With `RATE_NANOS_MAX` it keeps every charge within 64 bits.
UNITS_MAX = 2**36
# A million of what is priced by the piece, which is dearer: see `PIECE_NANOS_MAX`.
PIECES_MAX = 2**20


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """One unit that is counted and priced: its field in `Usage`, and that of its `price` in `UnitPrices`.

    Without a price of its own it has its `parent`'s. `side` says whether it is the request's input or the answer;
    None: neither. Of what is `by_piece` fewer are allowed and each may be dearer. `shown_each`: people write and read
    the price of one, else that of a million. `words` is the help of its option in the command line.
    """

    name: str
    price: str
    parent: str | None = None
    side: Literal["in", "out"] | None = None
    by_piece: bool = False
    shown_each: bool = False
    words: str

    @property
    def label(self) -> str:
        """The name of its price in JSON and, with dashes, in the command line: "cache_read"."""
        return self.price.removesuffix("_nanos")


def _tokens(label: str, side: Literal["in", "out"], words: str, parent: str | None = None) -> Unit:
    return Unit(name=f"{label}_tokens", price=f"{label}_nanos", parent=parent, side=side, words=words)


def _piece(name: str, label: str, words: str) -> Unit:
    return Unit(name=name, price=f"{label}_nanos", by_piece=True, shown_each=True, words=words)


# A parent is before its children, so that one pass fills in all prices.
UNITS: tuple[Unit, ...] = (
    _tokens("input", "in", "fresh input (0)"),
    _tokens("input_audio", "in", "audio in (as input)", "input_tokens"),
    _tokens("input_image", "in", "images in, by the token (as input)", "input_tokens"),
    _tokens("cache_read", "in", "input read from the prompt cache (as input)", "input_tokens"),
    _tokens("cache_read_audio", "in", "audio read from the prompt cache (as text)", "cache_read_tokens"),
    _tokens("cache_write", "in", "input written to the prompt cache for 5 minutes (as input)", "input_tokens"),
    _tokens(
        "cache_write_1h", "in", "input written to the prompt cache for an hour (as for 5 minutes)", "cache_write_tokens"
    ),
    _tokens("output", "out", "output (0)"),
    _tokens("output_audio", "out", "audio out (as output)", "output_tokens"),
    _tokens("output_image", "out", "images out, by the token (as output)", "output_tokens"),
    _tokens("reasoning", "out", "reasoning (as output)", "output_tokens"),
    Unit(name="tool_uses", price="tool_use_nanos", by_piece=True, words="a million uses of a hosted tool (not sold)"),
    _piece("images", "image", "one image made (not sold)"),
    Unit(name="characters", price="character_nanos", words="a million characters spoken (not sold)"),
    _piece("seconds", "second", "one second of audio, in or out (not sold)"),
    _piece("video_seconds", "video_second", "one second of video made (not sold)"),
    _piece("requests", "request", "one call, whatever else it costs (nothing)"),
    _piece("search_units", "search_unit", "one search unit: a query with up to 100 documents to rank (not sold)"),
)
PIECES = frozenset(unit.name for unit in UNITS if unit.by_piece)
# Which price a unit of usage is charged at.
PRICE_OF_UNIT: dict[str, str] = {unit.name: unit.price for unit in UNITS}


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
