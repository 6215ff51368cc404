"""What can be called.

Its modules:

    rows               providers and their credentials, as rows of the books
    aliases            names that an operator gives to a choice of models
    catalog            providers, credentials, rates and aliases at one version
    vendor             the record of what the hub knows about a vendor
    vendors            the known vendors, and the dialects that are used with them
    openai_compatible  the vendors that are compatible with OpenAI, as data
"""
