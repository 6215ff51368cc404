"""What the templates of refusals have besides the refusals' own fields."""

import re
from collections.abc import Mapping

from domain.pricing.money import format_credits
from domain.refusals import (
    AlreadyExists,
    BadRequest,
    InsufficientCredit,
    NoCredential,
    NotFound,
    ProviderFailed,
    StorageUnavailable,
    UnknownModel,
    UnpricedFeature,
    UnpricedModel,
    UnsupportedCapability,
    UnsupportedParameter,
    WrongMethod,
)

# The options of `aihub rate set` that price an operation. A hosted tool's is --tool-use.
_PRICED_BY = {
    "images": "--image or --output-image",
    "video": "--video-second",
    "speech": "--character or --output-audio",
    "transcription": "--second or --input-audio",
    "rerank": "--search-unit or --input",
    "chat": "--input and --output",
    "completions": "--input and --output",
    "embeddings": "--input and --output",
    "moderation": "--input and --output",
}
# What helps where something of a kind is not found.
_NOT_FOUND = {"response": "The hub keeps no answers: send the earlier turns in `input`."}
# How the hub's own words about a provider begin: its host is for the operator, in `aihub call show`.
_WHERE = re.compile(r"^provider \S+ \([^)]*\) ")


def place(refusal: BadRequest) -> str:
    """Where the request is wrong: `nowhere` in particular, `named` in the problem itself, or in a `field` to name.

    The message names the field, because many programs show the message and nothing else.
    """
    if refusal.field is None:
        return "nowhere"
    return "named" if f"`{refusal.field}`" in refusal.problem else "field"


def of_method(refusal: WrongMethod) -> Mapping[str, object]:
    """The methods that are served."""
    return {"methods": ", ".join(method for method in refusal.allowed if method != "OPTIONS")}


def of_model(refusal: UnknownModel | UnpricedModel) -> Mapping[str, object]:
    """The names that are like the model's."""
    return {"known": f"Known here: {', '.join(refusal.similar)}. " if refusal.similar else ""}


def of_feature(refusal: UnpricedFeature) -> Mapping[str, object]:
    """The options that set the price."""
    return {"options": _PRICED_BY.get(refusal.feature, "--tool-use")}


def of_capability(refusal: UnsupportedCapability) -> Mapping[str, object]:
    """What the model lacks, and the field that asks for it."""
    return {"lacking": " and ".join(refusal.lacks), "at": "tools" if refusal.lacks[0] == "tools" else "messages"}


def of_parameter(refusal: UnsupportedParameter) -> Mapping[str, object]:
    """What to do about a field that a provider's dialect has no place for."""
    if refusal.field.endswith("item_reference") or refusal.field == "previous_response_id":
        return {
            "instead": "The hub keeps no answers: send the items themselves, and `store: false` so that your client "
            "does so (in the AI SDK, `providerOptions.openai.store: false`)."
        }
    return {"instead": "Leave it out, or call a model of your own dialect."}


def of_credit(refusal: InsufficientCredit) -> Mapping[str, object]:
    """The amounts in credits, and where there is more."""
    link = refusal.payment_link
    amounts = {name: amount for name, amount in credit_facts(refusal).items() if name != "payment_link"}
    return {**amounts, "source": f"Add credit at {link}." if link else "Ask the operator for credit."}


def credit_facts(refusal: InsufficientCredit) -> dict[str, str | int | None]:
    """The amounts in credits as exact decimals, and the link by which credit is bought."""
    return {
        "bound": format_credits(refusal.bound_nanos),
        "available": format_credits(refusal.available_nanos),
        "shortfall": format_credits(refusal.short_by_nanos),
        "payment_link": refusal.payment_link,
    }


def of_credentials(refusal: NoCredential) -> Mapping[str, object]:
    """The providers that have none."""
    return {"names": ", ".join(refusal.providers), "first": refusal.providers[0]}


def of_failure(refusal: ProviderFailed) -> Mapping[str, object]:
    """What the provider reported, without its host."""
    return {"message": _WHERE.sub("", refusal.failure.message)}


def of_missing(refusal: NotFound) -> Mapping[str, object]:
    """What helps where nothing of that kind has the name."""
    return {"advice": _NOT_FOUND.get(refusal.kind, "")}


def of_unavailable(refusal: StorageUnavailable) -> Mapping[str, object]:
    """Whether the request can be repeated at no risk."""
    if refusal.is_unknown:
        return {"advice": "It is not known yet whether this call was charged: see the call log before you repeat it."}
    return {"advice": "Nothing was charged; try again shortly."}


def of_existing(refusal: AlreadyExists) -> Mapping[str, object]:
    """The article of the kind: a user, an alias."""
    return {"article": "an" if refusal.kind[0] in "aeio" else "a"}
