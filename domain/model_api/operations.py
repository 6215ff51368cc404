"""What a model can be asked for, one entry for each operation: what it is sold by, what bounds it, who is asked how.

A rule that differs by operation reads `OPERATIONS` and compares no names, so a new operation is one entry here.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

OperationName = Literal[
    "chat",
    "completions",
    "embeddings",
    "images",
    "video",
    "speech",
    "transcription",
    "moderation",
    "rerank",
    "count_tokens",
]
Bounded = Literal["by_cap", "by_model", "by_image", "nothing"]

# A vendor's own count of a request's tokens, which is a call of its own.
COUNT_TOKENS = "anthropic-count-tokens"
GOOGLE_COUNT_TOKENS = "google-count-tokens"

_MIB = 1024 * 1024


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation. A rate sells it by any price that is made for it, and no operation without one.

    `units` are those of `Usage` that are charged by the piece, besides requests. `tokens` are those that it is charged
    by (`output_image_tokens`) and those that they count as where they have no price of their own. `text_tokens` says
    that ordinary tokens in and out sell it, too.

    `output` says what bounds its tokens of output: a cap in the request, the model alone (`length_field` is what makes
    the answer long), an image's tokens, or that it has none. `text` says that the answer is a text, which can be made
    of a stream where a whole answer was asked for, and the other way round. `own_content_type`: the answer is called
    what the provider calls it. `kept_bytes_max` is how long an answer may be to be kept for its Idempotency-Key.

    `dialect` is that of the callers who ask for it as OpenAI's do; None where a model's description does not name it.
    By the dialect of a provider's chat, `native` are the callers' dialects that it speaks as they are, and
    `translated` the one in which it is asked otherwise. `in_responses` says that OpenAI's Responses API can ask it.
    """

    units: tuple[str, ...] = ()
    tokens: tuple[str, str] | None = None
    text_tokens: bool = False
    output: Bounded = "nothing"
    length_field: str = ""
    text: bool = False
    own_content_type: bool = False
    kept_bytes_max: int = 8 * _MIB
    dialect: str | None = None
    native: Mapping[str, tuple[str, ...]] = {}
    translated: Mapping[str, str] = {}
    in_responses: bool = False


# A server with OpenAI's chat has OpenAI's other APIs at the same paths, or reports that it does not.
OPERATIONS: Mapping[OperationName, Operation] = {
    "chat": Operation(text_tokens=True, output="by_cap", text=True, dialect="openai", in_responses=True),
    "completions": Operation(
        text_tokens=True,
        output="by_cap",
        text=True,
        dialect="openai-completions",
        native={"openai": ("openai-completions",)},
    ),
    "embeddings": Operation(
        text_tokens=True,
        dialect="openai-embeddings",
        native={"openai": ("openai-embeddings",)},
        translated={
            "openai": "openai-embeddings-translated",
            "voyage": "voyage-embeddings",
            "google": "google-embeddings",
            "google-vertex": "google-vertex-embeddings",
            "cohere": "cohere-embeddings",
            "bedrock": "bedrock-embeddings",
            "bedrock-invoke": "bedrock-embeddings",
        },
    ),
    "images": Operation(
        units=("images",),
        tokens=("output_image_tokens", "output_tokens"),
        output="by_image",
        dialect="openai-images",
        native={"openai": ("openai-images", "openai-image-edits")},
        translated={
            "ideogram": "ideogram-images",
            "google": "google-images",
            "google-vertex": "google-vertex-images",
        },
    ),
    "video": Operation(
        units=("video_seconds",),  # No provider reports tokens of a video.
        # A video is expensive, and its caller may have given up before it is made: the largest that is read is kept,
        # as base64.
        kept_bytes_max=96 * _MIB,
        dialect="aigne-video",  # OpenAI's callers are not offered it.
        translated={"openai": "openai-video", "google": "google-video", "google-vertex": "google-vertex-video"},
    ),
    "speech": Operation(
        units=("characters",),
        tokens=("output_audio_tokens", "output_tokens"),
        output="by_model",
        length_field="input",
        own_content_type=True,
        dialect="openai-speech",
        native={"openai": ("openai-speech", "openai-speech-events")},
    ),
    "transcription": Operation(
        units=("seconds",),
        tokens=("input_audio_tokens", "input_tokens"),
        output="by_model",
        length_field="file",
        own_content_type=True,
        dialect="openai-transcriptions",
        native={
            "openai": (
                "openai-transcriptions",
                "openai-transcriptions-text",
                "openai-transcriptions-events",
                "openai-translations",
                "openai-translations-text",
            )
        },
    ),
    "moderation": Operation(text_tokens=True, dialect="openai-moderations", native={"openai": ("openai-moderations",)}),
    "rerank": Operation(
        units=("search_units",),
        text_tokens=True,
        dialect="rerank",
        native={"openai": ("rerank",)},
        translated={
            "voyage": "voyage-rerank",
            "cohere": "cohere-rerank",
            "bedrock": "bedrock-rerank",
            "bedrock-invoke": "bedrock-rerank",
        },
    ),
    "count_tokens": Operation(
        text_tokens=True, native={"anthropic": (COUNT_TOKENS,), "google": (GOOGLE_COUNT_TOKENS,)}
    ),
}
# Every unit that some operation is sold by.
SOLD_BY_PIECE: tuple[str, ...] = tuple(unit for operation in OPERATIONS.values() for unit in operation.units)
