"""The masked form of a secret, and the check of a text that should be one."""


def masked(secret: str) -> str:
    """The first and last four characters of a secret; none of them if the secret is too short."""
    if len(secret) < 16:
        return "****" if secret else ""
    return f"{secret[:4]}…{secret[-4:]}"


def is_secret_text(text: str) -> bool:
    """Whether the text can stand in an HTTP header: printable ASCII without blanks."""
    return bool(text) and text.isascii() and text.isprintable() and " " not in text
