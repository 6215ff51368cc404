"""The variables with vendors' API keys, which register themselves when the hub starts."""

from collections.abc import Mapping

from domain.catalog.vendors import VENDORS

AWS_VARIABLE, AWS_PAIR = "AWS_BEARER_TOKEN_BEDROCK", ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
AWS_SESSION = "AWS_SESSION_TOKEN"

VENDOR_VARIABLES: dict[str, str] = {
    name: vendor.name for vendor in VENDORS.values() for name in (vendor.env, vendor.env_also) if name
}


def vendor_keys(environment: Mapping[str, str], variable: str) -> tuple[str, ...]:
    """The keys of a variable. AWS has one variable for each half of a key pair; the pair counts as one key of Bedrock.

    A pair with a session token belongs to a role, which Lambda and EC2 give to every process. It is left out, since it
    expires within hours and the hub would keep it.
    """
    keys = _keys(environment.get(variable, ""))
    pair = [environment.get(name, "").strip() for name in AWS_PAIR]
    if variable != AWS_VARIABLE or not all(pair) or environment.get(AWS_SESSION, "").strip():
        return keys
    return (*keys, ":".join(pair))


def _keys(text: str) -> tuple[str, ...]:
    """The keys of a variable, each once, in their order."""
    return tuple(dict.fromkeys(key for part in text.split(",") if (key := part.strip())))
