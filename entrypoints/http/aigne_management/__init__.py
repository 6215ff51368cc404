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
    user_routes  the caller's own account, and the table of users' routes
    spans        the time of a request, and whose days it has
    figures      sums of usage as AIGNE shows them
    statistics   totals, days, models, and the time before
    usage_routes usage by project
    call_rows    calls as AIGNE shows them
    call_routes  lists of calls, and their CSV
    transactions what calls have taken of a wallet
    routes       the table of these routes
"""
