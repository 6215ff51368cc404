"""Encode images, audio, video and documents as Gemini's parts.

House rule: data is sent inline, and everything with an address as `fileData`: a URL of the web or of YouTube, the URI
of an uploaded file, or a `gs://` URI at Vertex. Google requires the media type, which is derived from the URL's
extension. https://ai.google.dev/gemini-api/docs/file-input-methods
"""

import re
from typing import Any
from urllib.parse import urlsplit

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS
from domain.model_api.requests import Document, Image

_DATA_URL = re.compile(r"data:([^;,]+)(?:;[^;,]*)*;base64,", re.IGNORECASE)
_FILE_PREFIXES = ("gs://", "https://")
_TYPES = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "gif": "image/gif",
    "heic": "image/heic",
    "heif": "image/heif",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "html": "text/html",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
    "mpeg": "video/mpeg",
}

_Json = dict[str, Any]


class _Url(msgspec.Struct, frozen=True):
    url: str


class _Blob(msgspec.Struct, frozen=True, rename="camel"):
    mime_type: str


class _Inline(msgspec.Struct, frozen=True, rename="camel"):
    inline_data: _Blob


class _Elsewhere(msgspec.Struct, frozen=True):
    """A part of compatible servers with a URL, as a string or in an object."""

    video_url: _Url | str | None = None
    audio_url: _Url | str | None = None
    document_url: _Url | str | None = None


# The type of such a part if its URL does not show it. The parts are OpenRouter's, vLLM's and Mistral's:
# https://openrouter.ai/docs/features/multimodal/videos, https://docs.vllm.ai/en/latest/features/multimodal_inputs.html,
# https://docs.mistral.ai/capabilities/document_ai
_ELSEWHERE = {"video_url": "video/mp4", "audio_url": "audio/mpeg", "document_url": "application/pdf"}


def blob(media_type: str, data: str) -> _Json:
    """Return base64 data of a type."""
    return {"inlineData": {"mimeType": media_type, "data": data}}


def link(url: str, media_type: str | None = None) -> _Json:
    """Return a link to a URL, with its type if it is known or shown by the URL."""
    media_type = media_type or _type_of(urlsplit(url).path)
    file: _Json = {"fileUri": url}
    return {"fileData": file if media_type is None else {**file, "mimeType": media_type}}


def image(given: Image) -> _Json:
    """Return an image. A URL always gets an image type, because a video could cost more than an image may."""
    if given.url is None:
        return blob(given.media_type or "image/png", given.data or "")
    url_type = _type_of(urlsplit(given.url).path) or ""
    return link(given.url, url_type if url_type.startswith("image/") else "image/jpeg")


def is_image(block: msgspec.Raw) -> bool:
    """Whether Google's `inlineData` part is an image."""
    try:
        inline = msgspec.json.decode(block, type=_Inline).inline_data
    except DECODE_ERRORS:
        return False
    return inline.mime_type.startswith("image/")


def _type_of(path: str) -> str | None:
    return _TYPES.get(path.rpartition(".")[2].lower())


def document(given: Document) -> _Json:
    """Return a document in the form in which it is given; plain text becomes a text under its name."""
    if given.data is not None:
        return blob(given.media_type or "application/pdf", given.data)
    if given.text is not None:
        return {"text": given.text if given.name is None else f"{given.name}\n\n{given.text}"}
    if given.url is not None:
        part = link(given.url, given.media_type)
        part["fileData"].setdefault("mimeType", "application/pdf")
        return part
    return link(given.file_id or "", given.media_type or _type_of(given.name or ""))


def is_googles_file(file_id: str) -> bool:
    """Whether a file id is a URI, as Google's are: of an uploaded file, of one in its storage, or of the web."""
    return file_id.startswith(_FILE_PREFIXES)


def elsewhere(name: str, block: msgspec.Raw) -> _Json:
    """Return a `video_url`, `audio_url` or `document_url` part."""
    given = getattr(msgspec.json.decode(block, type=_Elsewhere), name)
    url = given.url if isinstance(given, _Url) else given
    if (head := _DATA_URL.match(url)) is not None:
        return blob(head[1].lower(), url[head.end() :])
    part = link(url)
    part["fileData"].setdefault("mimeType", _ELSEWHERE[name])
    return part


def is_elsewhere(name: str, block: msgspec.Raw) -> bool:
    """Whether a block is such a part and can be read."""
    try:
        return name in _ELSEWHERE and getattr(msgspec.json.decode(block, type=_Elsewhere), name) is not None
    except DECODE_ERRORS:
        return False
