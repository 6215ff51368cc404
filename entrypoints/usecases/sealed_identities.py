"""The identities that sealed values are bound to, so that nobody can swap two of them."""


def credential_row(credential_id: str) -> str:
    """Of a provider's secret."""
    return f"credential:{credential_id}"


def answer_row(user_id: str, key: str) -> str:
    """Of the answer that is kept for a user's Idempotency-Key."""
    return f"answer:{user_id}:{key}"
