"""The identities that sealed values are bound to, so that two of them cannot be swapped."""


def credential_row(credential_id: str) -> str:
    """The identity of a provider's secret."""
    return f"credential:{credential_id}"


def answer_row(user_id: str, key: str) -> str:
    """The identity of the answer that is kept for a user's Idempotency-Key."""
    return f"answer:{user_id}:{key}"
