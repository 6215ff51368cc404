"""What usage costs: at most, probably, and exactly.

Its modules:

    money          nanocredits, and the only place that rounds
    rate           one version of what the units of a model are sold for
    price_book     what providers ask: dated prices with their source
    tiers          prices that replace others by size, service tier or hour
    by_size        prices of images and video by size and quality
    charge         what a usage costs
    bounds         the most that a call can be charged
    cost_estimate  what a call will probably cost
"""
