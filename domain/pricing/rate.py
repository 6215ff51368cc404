"""A rate: one version of what the units of a model are sold for."""

import msgspec

from domain.model_api.call import Capability
from domain.pricing.by_size import VARIED, Variant, distinct
from domain.pricing.price_book import Names, Price
from domain.pricing.tiers import Tier, UnitPrices
from domain.usage import UNITS

# 10,000 credits for a million tokens; 10 credits for a piece, such as one image.
RATE_NANOS_MAX = 10**13


PIECE_NANOS_MAX = 10**16


PIECE_RATES = frozenset(unit.price for unit in UNITS if unit.by_piece)


class Rate(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """One version of what a model's units are sold for, in nanocredits per million; versions are never changed.

    A unit of None is sold at its parent's rate: reasoning, audio and images out as output; cache, audio and images in
    as input; an hour's cache write as a five minutes' one, cached audio as cached text. Hosted tools, images by the
    piece, characters, search units and seconds, of audio and of video, have no parent. `removed` ends the sale.
    `capabilities` are all that the model has; None: not known. `tiers` replace some of the prices for some requests,
    `variants` some for one size or quality. A rate made from the price book holds for all `names` that the provider has
    for the model; one that an operator set, for the model's own name. A `hidden` one is in no list of models and
    can be called. Newer versions keep `display_name` and `hidden` unless they state others.
    """

    id: str
    provider: str
    model: str
    effective_ms: int
    known_ms: int
    source: str
    prices: UnitPrices = UnitPrices()
    context_tokens: int | None = None
    output_tokens_max: int | None = None
    removed: bool = False
    capabilities: tuple[Capability, ...] | None = None
    tiers: tuple[Tier, ...] = ()
    variants: tuple[Variant, ...] = ()
    names: Names = ()
    display_name: str | None = None
    hidden: bool = False

    def __post_init__(self) -> None:
        """Refuse a price so high that a charge could go beyond what 64 bits hold."""
        for name in UnitPrices.__struct_fields__:
            nanos_max = PIECE_NANOS_MAX if name in PIECE_RATES else RATE_NANOS_MAX
            if (getattr(self.prices, name) or 0) > nanos_max:
                raise ValueError(f"a rate is from 0 to {nanos_max} nanocredits per million: {name}")
            if any((getattr(tier.prices, name) or 0) > nanos_max for tier in self.tiers):
                raise ValueError(f"a rate is from 0 to {nanos_max} nanocredits per million: {name} of a tier")
        for variant in distinct(self.variants):
            if any((getattr(variant.prices, name) or 0) > PIECE_NANOS_MAX for name in VARIED):
                raise ValueError(f"a rate is from 0 to {PIECE_NANOS_MAX} nanocredits per million: that of a variant")

    @property
    def input_nanos(self) -> int:
        """The price of fresh input; 0 where it has none."""
        return self.prices.input_nanos or 0

    @property
    def output_nanos(self) -> int:
        """The price of output; 0 where it has none."""
        return self.prices.output_nanos or 0


def rate_of_price(price: Price) -> Rate:
    """What a provider asks, as a rate in nano-USD, for bounds at cost."""
    return Rate(
        id=price.id,
        provider=price.provider,
        model=price.model,
        effective_ms=price.effective_ms,
        known_ms=price.known_ms,
        source=price.source,
        prices=price.prices,
        context_tokens=price.context_tokens,
        output_tokens_max=price.output_tokens_max,
        tiers=price.tiers,
        variants=price.variants,
    )
