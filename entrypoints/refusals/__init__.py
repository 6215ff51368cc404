"""What each refusal says, in one table that HTTP and the command line both render.

record     what a row holds
table      the rows, one for each refusal of `domain.refusals`
limits     the rows of the refusals by limits, budgets and purses
values     what rows have besides the refusal's own fields
sentences  a row's templates as text, in the words of an entrypoint
"""
