"""Base64 data and media types in the form that every vendor accepts."""

from urllib.parse import unquote

_SPELLINGS = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "image/x-citrix-jpeg": "image/jpeg",
    "image/x-citrix-png": "image/png",
    "audio/mp3": "audio/mpeg",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "application/x-pdf": "application/pdf",
}
# The beginnings of images in base64: https://mimesniff.spec.whatwg.org/#matching-an-image-type-pattern
_BEGINNINGS = {
    "iVBORw0KGgo": "image/png",
    "/9j/": "image/jpeg",
    "R0lGODdh": "image/gif",
    "R0lGODlh": "image/gif",
}
_IMAGE_CHARACTERS_MIN = 64  # Less is no image.


def media_type(spelled: str) -> str:
    """The registered media type: in lower case, without parameters. No vendor knows `image/jpg`."""
    plain = spelled.partition(";")[0].strip().lower()
    return _SPELLINGS.get(plain, plain)


def media_type_of(spelled: str, data: str) -> str:
    """The media type of base64 data: an image's is what its first bytes show, since vendors reject a wrong one.

    Anthropic: "The image was specified using the image/jpeg media type, but the image appears to be a image/png image".
    """
    declared = media_type(spelled)
    if declared in _SPELLINGS.values() and declared not in spelled.lower():
        return declared  # A name that is spelled in another way is believed.
    if declared and (len(data) < _IMAGE_CHARACTERS_MIN or not declared.startswith("image/")):
        return declared
    shown = next((kind for beginning, kind in _BEGINNINGS.items() if data.startswith(beginning)), None)
    return shown or declared


def base64_data(spelled: str) -> str:
    """The data without line breaks and spaces, which most vendors reject, and without the escapes of a URL."""
    if "%" in spelled:
        spelled = unquote(spelled)
    return "".join(spelled.split()) if any(blank in spelled for blank in "\n\r\t ") else spelled
