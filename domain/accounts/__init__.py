"""Users and keys, who may call, and what each role may do.

rows         users and API keys, as rows of the books
identity     whether a presented key is a caller
permissions  which roles may do what
"""
