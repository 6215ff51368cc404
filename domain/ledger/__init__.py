"""Who owns which credit.

Its modules:

    rows    grants, holds, journal lines and adjustments, as rows of the books
    ledger  the steps that move credit: grant, hold, capture, release, expire, breakage
"""
