"""The view of the action that quotes a call."""

from entrypoints.cli.output import Output, Views, fields, table
from entrypoints.http.api.user_quotes import QuoteCall
from entrypoints.usecases.call.quote import QuoteView
from entrypoints.usecases.public_types import written


def quoted(request: QuoteCall, reply: QuoteView) -> Output:
    """`quote`; exit code 1 if the wallet cannot pay for the request."""
    columns = ("provider", "model", "charge_max", "charge_expected", "rate_id")
    rows = [[getattr(offer, name) for name in columns] for offer in reply.offers]
    shown = {
        "at most": f"{written(reply.charge_max)} credits",
        "expected": f"{written(reply.charge_expected)} credits",
        "affordable": "yes" if reply.affordable else f"no, {written(reply.shortfall)} credits short",
    }
    if reply.output_cap is not None:
        shown["output cap"] = f"{reply.output_cap} tokens, which is what the wallet affords"
    text = fields(shown) + "\n\n" + table(("PROVIDER", "MODEL", "AT MOST", "EXPECTED", "RATE"), rows, "")
    note = "" if reply.billing else "billing is off in this environment: a hub that runs with it charges nothing"
    return Output(text=text, note=note, code=0 if reply.affordable else 1)


VIEWS: Views = {"quote": quoted}
