"""Actions on rates, and on the charges of past calls under them."""

from domain.usage import UNITS
from entrypoints.actions import NOUNS
from entrypoints.actions.action import Action, Argument
from entrypoints.usecases.manage import rate_actions as use_cases
from entrypoints.usecases.manage import rerating
from entrypoints.usecases.management_context import NoFields

_MODEL = Argument("model", "PROVIDER/MODEL", help="such as openai/gpt-5-mini")
_FROM = Argument("effective", "--from", "TIME")

ACTIONS = (
    Action(
        name="rate set",
        meaning="set what a model is sold for, in credits per million tokens, or for one piece if it is not text",
        details="An operation without a price made for it is refused.",
        example="aihub rate set openai/gpt-5-mini --input 0.25 --output 2 --context 400000 --max-output 128000",
        permission="manage models",
        is_change=True,
        begins_books=True,
        request=use_cases.SetRate,
        reply=use_cases.RateView,
        handler=use_cases.define_rate,
        arguments=(
            _MODEL,
            *(Argument(unit.label, f"--{unit.label.replace('_', '-')}", "X") for unit in UNITS),
            _FROM,
            Argument("context", "--context", "N"),
            Argument("max_output", "--max-output", "N"),
            Argument(
                "capabilities",
                "--capabilities",
                "LIST",
                "input capabilities: tools,images,audio,documents; none for text only (not known)",
            ),
        ),
    ),
    Action(
        name="rate list",
        meaning="list the models that are sold, with their rates",
        example="aihub rate list",
        permission="see models",
        is_change=False,
        request=NoFields,
        reply=list[use_cases.RateView],
        handler=use_cases.list_rates,
    ),
    Action(
        name="rate show",
        meaning="show every version of a model's rate",
        example="aihub rate show openai/gpt-5-mini",
        permission="see models",
        is_change=False,
        request=use_cases.NamedModel,
        reply=list[use_cases.RateView],
        handler=use_cases.show_rate,
        arguments=(_MODEL,),
    ),
    Action(
        name="rate change",
        meaning="change how lists show a model; its prices stay",
        example='aihub rate change openai/gpt-5-mini --display-name "GPT-5 mini" --listing hidden',
        permission="manage models",
        is_change=True,
        request=use_cases.ChangeRate,
        reply=use_cases.RateView,
        handler=use_cases.change_rate,
        arguments=(
            _MODEL,
            Argument("display_name", "--display-name", "TEXT"),
            Argument("listing", "--listing"),
        ),
    ),
    Action(
        name="rate remove",
        meaning="end the sale of a model",
        example="aihub rate remove openai/gpt-5-mini",
        permission="manage models",
        is_change=True,
        request=use_cases.NamedModel,
        reply=use_cases.RateRemoved,
        handler=use_cases.remove_rate,
        arguments=(_MODEL,),
    ),
    Action(
        name="rate bulk",
        meaning="sell the models of the price book, at a margin",
        details="Rates that were set by hand stay. `--dry-run` shows every amount that would change.",
        example="aihub rate bulk --margin 20 --credit-price 1 --provider openai",
        permission="manage models",
        is_change=True,
        begins_books=True,
        request=use_cases.SellByPriceBook,
        reply=list[use_cases.SoldView],
        handler=use_cases.sell_by_price_book,
        arguments=(
            Argument("margin", "--margin", "PERCENT"),
            Argument("credit_price", "--credit-price", "USD"),
            Argument("provider", "--provider", "NAME"),
            Argument("model", "--model", "PROVIDER/MODEL"),
            _FROM,
            Argument("dry_run", "--dry-run"),
        ),
    ),
    Action(
        name="rerate",
        meaning=NOUNS["rerate"].meaning,
        details="A dry run unless `--apply` is given.",
        example="aihub rerate --model openai/gpt-5-mini --since 2026-11-01 --apply",
        permission="manage credit",
        is_change=True,
        request=rerating.RerateCalls,
        reply=rerating.CallsRerated,
        handler=rerating.rerate_calls,
        arguments=(
            Argument("model", "--model", "PROVIDER/MODEL"),
            Argument("since", "--since", "TIME", "such as 2026-11-01, or 7d for ago"),
            Argument("until", "--until", "TIME"),
            Argument("apply", "--apply"),
        ),
    ),
)
