"""AIGNE Hub's own management and user routes, as thin adapters over the actions: its paths, its shapes, its errors.

House rule: a route reads a request in AIGNE's words, calls a use case, and writes its reply in AIGNE's words. Ids are
strings: a provider's is its name, a rate's is made of the model and its type.

Its modules:

    shell        who may ask, and errors in AIGNE's shapes
    values       bodies, decimals, types and moments as AIGNE writes them
    providers    providers
    credentials  credentials, and their checks
    rates        what models are sold for
    rate_views   rates as AIGNE shows them, with their history
    rate_bodies  the bodies of requests about rates
    bulk         new rates for many models, by margin
    catalogues   what can be called, for everybody
    user_routes  the caller's own account
    routes       the table of these routes
"""
