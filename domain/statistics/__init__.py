"""What was used and charged, as sums that are written with each call and proved against the calls.

Their row is `domain.books.usage_sum`. Its modules:

    sums     which sums a call and an adjustment belong to
    proof    the proof that the sums equal the calls
    summary  sums by period and by subject, and their totals
"""
