"""Which provider and credential is tried, in which order, and why.

Its modules:

    tree         the route nodes that a model name leads to
    eligibility  whether a model can do what a call asks for
    order        the candidates in the order in which they are tried
    affinity     which credential a conversation stays with
    cooldown     how long a failed target is tried last
    learned      what a process has learned from its calls
    retries      which candidate follows a failure, and when to give up
    explain      why a call goes where it goes
"""
