"""Settings that refer to a secret in AWS instead of having it as their value.

    arn:aws:secretsmanager:eu-west-1:123456789012:secret:hub-AbCdEf          a secret of AWS Secrets Manager
    arn:aws:secretsmanager:eu-west-1:123456789012:secret:hub-AbCdEf:owner::  one field of a secret that is JSON
    aws-kms:AQICAHh…                                                         encrypted by a key of AWS KMS, in base64

The form with a field is the one that Amazon ECS uses: key of the JSON, version stage and version id follow the name.
Several values in one setting, separated by commas, may each be a reference. A secret of several lines counts as
several values.
"""

import re
from collections.abc import Callable, Iterable, Mapping

from ports.vault import VaultError

_REFERENCE = re.compile(r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d+:secret:[^,\s]+|aws-kms:[A-Za-z0-9+/=_-]+")


def is_reference(text: str) -> bool:
    """Return whether a setting's text has a reference in it."""
    return any(_REFERENCE.fullmatch(part.strip()) for part in text.split(",")) if ":" in text else False


def references_in(environment: Mapping[str, str], names: Iterable[str]) -> tuple[str, ...]:
    """Return those of the variables that have a reference."""
    return tuple(name for name in names if is_reference(environment.get(name, "")))


def resolved(environment: Mapping[str, str], names: Iterable[str], read: Callable[[str], str]) -> dict[str, str]:
    """Return the environment with secrets in place of the references in those variables; `read` returns one secret.

    Raises VaultError, which names the variable.
    """
    found = dict(environment)
    for name in references_in(environment, names):
        try:
            found[name] = _resolved(environment[name], read)
        except VaultError as error:
            raise VaultError(f"{name}: {error}") from error
    return found


def _resolved(text: str, read: Callable[[str], str]) -> str:
    parts = [part.strip() for part in text.split(",")]
    return ",".join(",".join(read(part).split()) if _REFERENCE.fullmatch(part) else part for part in parts)
