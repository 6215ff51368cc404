"""Who owns which credit.

Its modules:

    rows     grants, holds, journal lines and adjustments, as rows of the books
    audited  the parts of lines and calls that a proof of the books reads
    ledger   the steps that move credit: grant, hold, capture, release, expire, deduct, send, receive, end
"""
