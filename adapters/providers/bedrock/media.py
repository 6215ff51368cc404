"""Encode images, documents, audio and video for Converse: a format of its list, and base64 bytes or an S3 URI.

House rule: `source` and `format_of` return None for media that Converse does not accept, and `refuse` names them before
anything is encoded. Converse fetches nothing from the web.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html
"""

import base64
import re
from typing import Any, Literal

from domain.model_api.requests import Audio, Document, Image

Kind = Literal["image", "document", "audio", "video"]

_FORMATS: dict[Kind, dict[str, str]] = {
    "image": {"image/png": "png", "image/jpeg": "jpeg", "image/jpg": "jpeg", "image/gif": "gif", "image/webp": "webp"},
    "document": {
        "application/pdf": "pdf",
        "text/csv": "csv",
        "application/csv": "csv",
        "application/msword": "doc",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
        "application/vnd.ms-excel": "xls",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
        "text/html": "html",
        "text/plain": "txt",
        "text/markdown": "md",
        "text/x-markdown": "md",
    },
    "video": {
        "video/x-matroska": "mkv",
        "video/quicktime": "mov",
        "video/mp4": "mp4",
        "video/webm": "webm",
        "video/x-flv": "flv",
        "video/mpeg": "mpeg",
        "video/x-ms-wmv": "wmv",
        "video/3gpp": "three_gp",
    },
    "audio": {},
}
_SUFFIXES: dict[Kind, frozenset[str]] = {
    "image": frozenset(("png", "jpeg", "jpg", "gif", "webp")),
    "document": frozenset(("pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md")),
    "video": frozenset(("mkv", "mov", "mp4", "webm", "flv", "mpeg", "mpg", "wmv", "3gp")),
    "audio": frozenset(
        ("mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "mka", "m4a", "mpeg", "mpga", "pcm", "webm")
    ),
}
_SPELLED = {"jpg": "jpeg", "3gp": "three_gp", "pcm16": "pcm"}
_DATA_URL = re.compile(r"data:([^;,]+)(?:;[^;,]*)*;base64,", re.IGNORECASE)

_Json = dict[str, Any]


def image_block(image: Image) -> _Json | None:
    """Return an image as a content block, or None if Converse does not accept it."""
    return _block("image", image.data, image.media_type, image.url)


def video_block(url: str) -> _Json | None:
    """Return a video, given as a data URL or an S3 URI."""
    head = _DATA_URL.match(url)
    if head is not None:
        return _block("video", url[head.end() :], head[1].lower(), None)
    return _block("video", None, None, url)


def audio_block(audio: Audio) -> _Json | None:
    """Return audio as a content block."""
    name = _SPELLED.get(audio.format, audio.format)
    if name not in _SUFFIXES["audio"]:
        return None
    return {"audio": {"format": name, "source": {"bytes": audio.data}}}


def document_source(document: Document) -> _Json | None:
    """Return format and source of a document, without its name. Text becomes a text file, which every model reads."""
    if document.text is not None:
        data = base64.b64encode(document.text.encode()).decode()
        return {"format": "txt", "source": {"bytes": data}} if data else None
    found = _block("document", document.data, document.media_type, document.url or document.file_id)
    return None if found is None else dict(found["document"])


def _block(kind: Kind, data: str | None, media_type: str | None, url: str | None) -> _Json | None:
    """Return data or URL with its format, from the media type or the extension of the URI."""
    if data:
        name = _FORMATS[kind].get((media_type or "").partition(";")[0].strip().lower())
        return None if name is None else {kind: {"format": name, "source": {"bytes": data}}}
    if url is None or not url.startswith("s3://"):
        return None
    uri, _, query = url.partition("?")
    suffix = uri.rpartition(".")[2].lower()
    if suffix not in _SUFFIXES[kind]:
        return None
    location = {"uri": uri}
    if query.startswith("bucketOwner="):
        location["bucketOwner"] = query.removeprefix("bucketOwner=")
    return {kind: {"format": _SPELLED.get(suffix, suffix), "source": {"s3Location": location}}}
