"""What callers may use and spend: rates, budgets, purses of runs, and what may still be owed to providers.

Its modules:

    rows      limits and budgets as they are configured, and the rows that count against them
    subjects  what a limit or a budget is for: a key, a user, a team, a model, a provider, or the whole hub
    rates     a rate as one integer (GCRA): what may be taken now, and what waiting helps
    budgets   what was spent in a period, and what is left of an amount
    reserve   what a call takes of its limits, budgets and purse when it starts
    refusals  why a call is refused by a limit, a budget, a purse or a cap
    notices   what operators get notices of: a balance below its threshold, a budget that has reached a percentage
    settle    what it gives back, and what it has spent, when it ends
"""
