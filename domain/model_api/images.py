"""Images made of words, in no vendor's dialect: what is asked, and the event that carries one image."""

import msgspec


class ImagesRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`count` images of what `prompt` says.

    `size` is "1024x1536" or None, `format` "png", "jpeg" or "webp". `answer` is how the caller wants to get them:
    "b64_json", "url", or None for either.
    `extra` holds what only some providers have a word for, as JSON.
    """

    model: str
    prompt: str
    count: int = 1
    size: str | None = None
    quality: str | None = None
    background: str | None = None
    format: str | None = None
    answer: str | None = None
    extra: dict[str, msgspec.Raw] = {}


class ImageResult(msgspec.Struct, frozen=True, kw_only=True, tag="image_result"):
    """One finished image: base64 or a URL; neither where it went by in the provider's own words.

    `size` and `quality` are what the provider says that it is, as `worded` has them.
    """

    base64: str | None = None
    url: str | None = None
    revised_prompt: str | None = None
    size: str | None = None
    quality: str | None = None
