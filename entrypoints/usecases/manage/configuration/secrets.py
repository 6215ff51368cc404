"""The secrets that a document refers to, compared with those that the books have sealed."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from domain.catalog.rows import Credential
from entrypoints.usecases.manage.configuration.document import Kind
from entrypoints.usecases.manage.configuration.items import Item, Parts, WrongItem
from entrypoints.usecases.manage.configuration.present import Present
from entrypoints.usecases.manage.providers import holds
from ports.vault import Vault


class Secrets(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted and what there is, with the secret only where it changes.

    `values` are the secrets by their credentials, and `ids` those of credentials under a new name.
    """

    want: list[Item]
    have: list[Item]
    values: dict[Parts, str]
    ids: dict[tuple[Kind, Parts], str]
    notes: list[str]


def match_secrets(
    vault: Vault, want: Sequence[Item], have: Sequence[Item], now: Present, given: Mapping[str, str]
) -> Secrets:
    """Both with the secrets compared. Raises WrongItem for a new credential whose secret is not given.

    A credential that stands under another name, which the document does not state, gets the new one.
    """
    found = Secrets(want=[], have=[*have], values={}, ids={}, notes=[])
    stated = {item.parts for item in want if item.kind == "credentials"}
    for item in want:
        if item.kind != "credentials":
            found.want.append(item)
            continue
        reference = item.fields.get("secret")
        secret = None if reference is None else given.get(reference)
        if secret is not None:
            found.values[item.parts] = secret
        credential_id = now.ids.get(("credentials", item.parts))
        if credential_id is not None:
            _known(found, vault, item, now.credentials[credential_id], secret)
            continue
        if secret is None:
            missing = f"there is nothing at {reference}" if reference else "a new credential needs a secret"
            raise WrongItem(f"{item.path}.secret", f"{missing}; write env:NAME or file:PATH, and put the secret there")
        same = _held_as(vault, item, now, secret, stated)
        if same is None:
            found.want.append(item)
        else:
            _renamed(found, item, same, now.ids["credentials", same])
    return found


def _known(found: Secrets, vault: Vault, item: Item, credential: Credential, secret: str | None) -> None:
    """A credential that the books have: its secret is stated only if it is another one."""
    if secret is None and item.fields.get("secret") is not None:
        found.notes.append(f"the secret of {item.name} stays: there is nothing at {item.fields['secret']}")
    if secret is None or holds(vault, credential, secret):
        item = _with(item, {name: value for name, value in item.fields.items() if name != "secret"})
    else:
        _replace(found, item, {"secret": credential.masked})
    found.want.append(item)


def _renamed(found: Secrets, item: Item, before: Parts, credential_id: str) -> None:
    """The books have the secret under another name."""
    found.ids["credentials", item.parts] = credential_id
    had = next(one for one in found.have if one.kind == "credentials" and one.parts == before)
    found.have.remove(had)
    fields = {name: value for name, value in had.fields.items() if name != "secret"}
    found.have.append(msgspec.structs.replace(had, parts=item.parts, fields={**fields, "name": before[1]}))
    wanted = {name: value for name, value in item.fields.items() if name != "secret"}
    found.want.append(_with(item, {**wanted, "name": item.parts[1]}))


def _replace(found: Secrets, item: Item, fields: Mapping[str, Any]) -> None:
    """The thing that there is, with other fields."""
    place = next(n for n, one in enumerate(found.have) if (one.kind, one.parts) == (item.kind, item.parts))
    found.have[place] = _with(found.have[place], {**found.have[place].fields, **fields})


def _held_as(vault: Vault, item: Item, now: Present, secret: str, stated: set[Parts]) -> Parts | None:
    """Which credential of the provider, not stated by the document, holds the secret."""
    for (kind, parts), credential_id in now.ids.items():
        is_other = kind == "credentials" and parts[0] == item.parts[0] and parts not in stated
        if is_other and holds(vault, now.credentials[credential_id], secret):
            return parts
    return None


def _with(item: Item, fields: Mapping[str, Any]) -> Item:
    return msgspec.structs.replace(item, fields=fields)
