"""What a rule sees of the books, and what it writes.

Its modules:

    rows               holds, calls, kept answers, the audit log, and the union of all rows
    ids                ids as the books keep them, in 16 bytes
    call_query         which calls of the call log are read
    statistics         what was used and charged, as sums that are proved against the calls
    lookups            rows of one type by the values of some columns, as data
    scope_protocol     the protocol of a scope: steps to load, and the facts to show
    call_steps         which rows the scopes of a call name, its limits, budgets and run too
    scopes             the rows that a rule needs, and how they become its facts
    management_scopes  the scopes of an operator's changes
    team_scopes        the scopes of changes of teams and their members
    guards             what must be locked before a row is read
    limit_scopes       the scopes of changes of limits, budgets and runs
    working_copy       the rows of a batch in memory, over which rules are folded
"""
