"""One call's money, from its plan to its verification.

Its modules:

    plan                whether a call may start, and what is held for it
    limits_of_call      what a call takes of its limits and budgets, and gives back
    metering            what an answer has used so far, exactly or by estimate
    rerank_usage        what a ranking used: search units or tokens
    settlement          how a call ends: what is captured and what is released
    late_settlement     charges a call that was ended as lost although its process lived
    sweep               closes calls whose process is gone, and ends expired credit
    quotes              what a call would be charged, at most and probably
    rerating            charges past calls again after their rate was corrected
    verification        derives every balance and every charge again
    limit_verification  derives budgets, runs, open calls and exposure again
"""
