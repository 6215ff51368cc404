"""What a configuration file may state.

A field that is left out stays as it is in the books, or has its default in something new; null, or an empty text or
list, means that there is none. The prices of a rate are stated as a whole.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from domain.accounts.rows import Purpose, Role
from domain.catalog.aliases import Strategy
from domain.limits.rows import AMOUNT_MAX, Period
from domain.model_api.call import Capability
from domain.pricing.price_book import Names
from entrypoints.usecases.manage.limit_subjects import ModelName, UserName
from entrypoints.usecases.manage.limits import Limited
from entrypoints.usecases.manage.unit_amounts import RateAmounts, RateVariant
from entrypoints.usecases.public_types import Credits, Dollars, Duration, Moment

KIND_NAMES = ("providers", "credentials", "rates", "aliases", "users", "keys", "limits", "budgets")
Kind = Literal["providers", "credentials", "rates", "aliases", "users", "keys", "limits", "budgets"]

_Text = str | UnsetType | None
_SHOWN = Meta(description="what people see")
_ENABLED = Meta(description="whether it may be used")
_WEIGHT = Meta(description="its share of the calls")


class CredentialEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A credential, by its name."""

    secret: Annotated[
        str | UnsetType, Meta(description="where the secret is: env:NAME, file:PATH or a reference to AWS")
    ] = UNSET
    weight: Annotated[int | UnsetType, _WEIGHT] = UNSET


class ProviderEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A provider; a known name brings its dialect and URL."""

    dialect: Annotated[str | UnsetType, Meta(description="the dialect of its chat, such as openai")] = UNSET
    base_url: Annotated[str | UnsetType, Meta(description="what the paths of the dialect are appended to")] = UNSET
    display_name: Annotated[_Text, _SHOWN] = UNSET
    priority: Annotated[int | UnsetType, Meta(description="lower numbers are tried first")] = UNSET
    weight: Annotated[int | UnsetType, _WEIGHT] = UNSET
    enabled: Annotated[bool | UnsetType, _ENABLED] = UNSET
    exposure_cap: Annotated[
        Dollars | UnsetType | None, Meta(description="the most that may be owed to it for open calls, in dollars")
    ] = UNSET
    credentials: Annotated[dict[str, CredentialEntry], Meta(description="its credentials by name")] = {}


class TierAmounts(RateAmounts, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What units are sold for in a tier."""


class TierEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Prices for some requests: of a service tier, above a number of input tokens, or within hours of the day."""

    prices: TierAmounts
    service: str | None = None
    above_tokens: int = 0
    from_minute: int = 0
    until_minute: int = 0


class VariantEntry(RateVariant, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What one piece of a size, of a quality, or of both is sold for."""


class RateTerms(RateAmounts, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a model is sold for, and what is known of it."""

    variants: Annotated[list[VariantEntry] | UnsetType, Meta(description="prices by size and quality")] = UNSET
    tiers: Annotated[list[TierEntry] | UnsetType, Meta(description="prices that hold for some requests")] = UNSET
    names: Annotated[Names | UnsetType, Meta(description="patterns of further names of the model")] = UNSET
    context: Annotated[int | UnsetType | None, Meta(description="the most tokens that it reads and writes")] = UNSET
    max_output: Annotated[int | UnsetType | None, Meta(description="the most tokens that it writes")] = UNSET
    capabilities: Annotated[
        tuple[Capability, ...] | UnsetType | None, Meta(description="all its input capabilities (null: not known)")
    ] = UNSET
    display_name: Annotated[_Text, _SHOWN] = UNSET
    hidden: Annotated[bool | UnsetType, Meta(description="whether it is left out of lists")] = UNSET
    source: Annotated[str | UnsetType, Meta(description="where the rate is from (operator)")] = UNSET


class LaterRate(
    RateTerms, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, rename={"since": "from"}
):
    """A rate that holds from a moment on."""

    since: Annotated[Moment, Meta(description="for calls that begin then or later")]


class RateEntry(RateTerms, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The rate of a model that holds now, and those that will follow it."""

    later: Annotated[list[LaterRate], Meta(description="rates that follow it")] = msgspec.field(default_factory=list)


class AliasEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A name for a choice of models."""

    targets: Annotated[list[str] | UnsetType, Meta(description="each as MODEL[@PRIORITY][*WEIGHT]")] = UNSET
    strategy: Annotated[Strategy | UnsetType, Meta(description="who goes first within a priority")] = UNSET
    canary: Annotated[_Text, Meta(description="a model on trial, as MODEL=5%")] = UNSET
    first_token_timeout_s: Annotated[
        int | UnsetType | None, Meta(description="seconds until the next is tried when a stream has not begun")
    ] = UNSET


class KeyEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What an API key may do; the key itself is in no file."""

    purpose: Annotated[Purpose | UnsetType, Meta(description="calling models, managing the hub, or both")] = UNSET
    models: Annotated[tuple[str, ...] | UnsetType, Meta(description="patterns of models (all)")] = UNSET
    operations: Annotated[tuple[str, ...] | UnsetType, Meta(description="operations (all)")] = UNSET
    app: Annotated[_Text, Meta(description="the app that it stands for")] = UNSET
    expires: Annotated[Moment | UnsetType | None, Meta(description="until when it is valid (for ever)")] = UNSET
    enabled: Annotated[bool | UnsetType, _ENABLED] = UNSET


class UserEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A user, with the settings of the API keys."""

    role: Annotated[Role | UnsetType, Meta(description="guests call, and see their own")] = UNSET
    email: Annotated[_Text, Meta(description="the e-mail address")] = UNSET
    display_name: Annotated[_Text, _SHOWN] = UNSET
    enabled: Annotated[bool | UnsetType, _ENABLED] = UNSET
    keys: Annotated[dict[str, KeyEntry], Meta(description="the keys by name; one that is missing is made")] = {}


class LimitEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A limit of a user, a key, a model, or the whole hub. A key is named as USER/KEY."""

    measure: Limited
    amount: Annotated[int, Meta(ge=1, le=AMOUNT_MAX)]
    per: Duration | None = None
    user: UserName = None
    key: Annotated[str | None, Meta(description="for an API key, as USER/KEY, or * for each of them")] = None
    model: ModelName = None


class BudgetEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a user, a key, a model, or the whole hub may be charged in a period. A key is named as USER/KEY."""

    amount: Credits
    period: Period = "month"
    user: UserName = None
    key: Annotated[str | None, Meta(description="for an API key, as USER/KEY, or * for each of them")] = None
    model: ModelName = None
    time_zone: Annotated[str | UnsetType, Meta(description="whose calendar has the periods (UTC)")] = UNSET
    alerts: Annotated[list[int] | UnsetType, Meta(description="percentages that are reported when reached")] = UNSET


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The configuration of a hub: everything that operators set, without secrets, keys, credit and calls."""

    providers: Annotated[dict[str, ProviderEntry], Meta(description="providers by name")] = {}
    rates: Annotated[dict[str, RateEntry], Meta(description="rates by PROVIDER/MODEL")] = {}
    aliases: Annotated[dict[str, AliasEntry], Meta(description="aliases by name")] = {}
    users: Annotated[dict[str, UserEntry], Meta(description="users by name")] = {}
    limits: Annotated[list[LimitEntry], Meta(description="limits of requests, tokens and open calls")] = []
    budgets: Annotated[list[BudgetEntry], Meta(description="budgets")] = []
