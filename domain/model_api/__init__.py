"""Requests and answers in no vendor's dialect.

Its modules:

    call            a call as the hub sees it before it decides
    operations      what a model can be asked for: one table of what each operation is sold by
    origin          where a request comes from, by its own headers
    requests        a chat request: messages, tools and settings
    events          an answer as a sequence of events
    tools           the tools of a request
    citations       sources on the web that an answer cites
    embeddings      texts as vectors
    images          images made from a prompt
    video           video made from a prompt
    rerank          documents ranked by a query
    token_estimate  how many tokens a text probably has
"""
