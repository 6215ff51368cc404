"""The views of the actions on the statistics."""

from entrypoints.cli.output import Output, Views
from entrypoints.usecases.manage import stats_proof
from entrypoints.usecases.management_context import NoFields
from entrypoints.usecases.public_types import written


def verified(request: NoFields, reply: stats_proof.StatsVerified) -> Output:
    """`stats verify`; exit code 1 if a sum is not that of its calls."""
    if reply.differs_at is None:
        return Output(text=f"The {reply.sums} sums of usage equal the {reply.calls} calls.")
    text = f"The sums of usage are not those of the calls in the quarter of an hour from {written(reply.differs_at)}."
    return Output(text=text, code=1)


VIEWS: Views = {"stats verify": verified}
