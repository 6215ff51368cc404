"""Base64 data and media types in the form that every vendor accepts."""

_SPELLINGS = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "audio/mp3": "audio/mpeg"}


def media_type(spelled: str) -> str:
    """The registered media type: in lower case, without parameters. No vendor knows `image/jpg`."""
    plain = spelled.partition(";")[0].strip().lower()
    return _SPELLINGS.get(plain, plain)


def base64_data(spelled: str) -> str:
    """The data without line breaks and spaces, which most vendors reject."""
    return "".join(spelled.split()) if any(blank in spelled for blank in "\n\r\t ") else spelled
