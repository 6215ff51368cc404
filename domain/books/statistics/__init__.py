"""What was used and charged, as sums that are written with each call and proved against the calls.

Its modules:

    usage_sum  the sums of calls in a quarter of an hour, as a row of the books
    sums       which sums a call and an adjustment belong to
    proof      the proof that the sums equal the calls
    summary    sums by period and by subject, and their totals
"""
