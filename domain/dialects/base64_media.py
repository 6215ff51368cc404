"""Base64 data as every vendor takes it, however a caller spells it."""

_SPELLINGS = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "audio/mp3": "audio/mpeg"}


def media_type(spelled: str) -> str:
    """The registered media type: in lower case, without parameters. `image/jpg` is known to no vendor."""
    plain = spelled.partition(";")[0].strip().lower()
    return _SPELLINGS.get(plain, plain)


def base64_data(spelled: str) -> str:
    """The data without the white space of a file's lines, which most vendors reject."""
    return "".join(spelled.split()) if any(blank in spelled for blank in "\n\r\t ") else spelled
