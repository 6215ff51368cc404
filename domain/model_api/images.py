"""Images made from a prompt, in no vendor's dialect: the request, and the event that carries one image."""

import msgspec


class ImagesRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request for `count` images from `prompt`.

    `size` is "1024x1536" or None, `format` "png", "jpeg" or "webp". `answer` is the form that the caller wants:
    "b64_json", "url", or None for either. `extra` holds fields of some providers, as JSON.
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
    """One finished image: base64 or a URL; neither if it was relayed in the provider's own form.

    `size` and `quality` are reported by the provider, normalised by `worded`.
    """

    base64: str | None = None
    url: str | None = None
    revised_prompt: str | None = None
    size: str | None = None
    quality: str | None = None
