"""What an API key may do and for how long, as operators give it and as it is shown."""

from collections.abc import Mapping
from typing import Any, get_args

import msgspec

from domain.accounts.identity import flaw
from domain.accounts.key_access import ALL
from domain.accounts.rows import TEAM_MARK, ApiKey, Payer, Purpose
from domain.model_api.operations import OperationName
from domain.model_api.origin import APP_MAX
from domain.refusals import BadRequest
from entrypoints.usecases.public_types import Moment, moment

LABEL_CHARACTERS_MAX = 200
PATTERNS_MAX = 100


class KeyTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What a key may do: `models` are patterns; empty, or `*`, is all.

    It expires at `expires_ms`, or `expires_in_ms` from now; without both it does not. `app` is the app that it stands
    for; an empty text is none.
    """

    expires_in_ms: int | None = None
    expires_ms: int | None = None
    models: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    purpose: Purpose = "models"
    app: str | None = None

    def fields(self, now_ms: int) -> dict[str, Any]:
        """The fields of the key's row."""
        return {
            "expires_ms": self.expires_ms if self.expires_in_ms is None else now_ms + self.expires_in_ms,
            "models": self.models,
            "operations": self.operations,
            "app": self.app or None,
        }


class KeyView(msgspec.Struct, frozen=True, kw_only=True):
    """An API key without its secret part. `state` is whether it authenticates, by itself.

    `team` is the team that it belongs to, `wallet` whose wallet pays, and `app` the app that it stands for.
    """

    id: str
    user: str
    team: str | None
    wallet: Payer
    app: str | None
    name: str
    prefix: str
    state: str
    purpose: Purpose
    models: tuple[str, ...]
    operations: tuple[str, ...]
    created: Moment
    expires: Moment | None
    disabled: Moment | None
    revoked: Moment | None


def view_of(key: ApiKey, names: Mapping[str, str], now_ms: int) -> KeyView:
    """The key as it may be shown now; `names` are those of users and teams by their ids."""
    team = names.get(key.team_id, key.team_id).removeprefix(TEAM_MARK) if key.team_id is not None else None
    return KeyView(
        id=key.id,
        user=names.get(key.user_id, key.user_id),
        team=team,
        wallet=key.wallet,
        app=key.app,
        name=key.name,
        prefix=key.prefix,
        state=flaw(key, now_ms) or "valid",
        purpose=key.purpose,
        models=key.models,
        operations=key.operations,
        created=Moment(key.created_ms),
        expires=moment(key.expires_ms),
        disabled=moment(key.disabled_ms),
        revoked=moment(key.revoked_ms),
    )


def label_problem(label: str) -> BadRequest | None:
    """The refusal of a label that is too long or cannot be printed."""
    if len(label) > LABEL_CHARACTERS_MAX or not label.isprintable():
        problem = f"write at most {LABEL_CHARACTERS_MAX} printable characters"
        return BadRequest(field="name", problem=problem)
    return None


def terms_problem(terms: KeyTerms) -> BadRequest | None:
    """The refusal of patterns that match nothing, or of operations that do not exist."""
    for pattern in terms.models:
        if not 0 < len(pattern) <= LABEL_CHARACTERS_MAX or not pattern.isprintable() or " " in pattern:
            problem = f"{pattern!r} is no pattern of model names: write such as openai/* or gpt-5"
            return BadRequest(field="models", problem=problem)
    if len(terms.models) > PATTERNS_MAX:
        return BadRequest(field="models", problem=f"name at most {PATTERNS_MAX} patterns")
    if terms.app and (len(terms.app) > APP_MAX or not terms.app.isprintable() or terms.app != terms.app.strip()):
        return BadRequest(field="app", problem=f"write 1 to {APP_MAX} printable characters")
    known = get_args(OperationName)
    for operation in terms.operations:
        if operation not in (*known, ALL):
            problem = f"{operation!r} is no operation: choose from {', '.join(known)}"
            return BadRequest(field="operations", problem=problem)
    return None
