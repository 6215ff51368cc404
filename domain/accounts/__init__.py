"""Users, their API keys, and whether a key may call.

Its modules:

    rows         users and API keys, as rows of the books
    identity     the one rule that decides whether a presented key is a caller
    key_access   what a valid key may do: its purpose, operations and models
    permissions  the table of what each role may do
"""
