"""What may be shown of a secret, and what can be one."""


def masked(secret: str) -> str:
    """Its first and last four characters; nothing of one that is too short to hide between them."""
    if len(secret) < 16:
        return "****" if secret else ""
    return f"{secret[:4]}…{secret[-4:]}"


def is_secret_text(text: str) -> bool:
    """Whether the text can stand in an HTTP header: printable ASCII without blanks."""
    return bool(text) and text.isascii() and text.isprintable() and " " not in text
