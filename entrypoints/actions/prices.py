"""Actions on the price book."""

from entrypoints.actions.action import Action, Argument
from entrypoints.usecases.manage import price_actions as use_cases

ACTIONS = (
    Action(
        name="price list",
        meaning="list the prices that hold now",
        example="aihub price list --provider anthropic",
        permission="see models",
        is_change=False,
        needs_books=False,
        request=use_cases.ListPrices,
        reply=list[use_cases.PriceView],
        handler=use_cases.list_prices,
        arguments=(Argument("provider", "--provider", "NAME"),),
    ),
    Action(
        name="price show",
        meaning="show every version of a model's price",
        example="aihub price show openai/gpt-5-mini",
        permission="see models",
        is_change=False,
        needs_books=False,
        request=use_cases.ShowPrice,
        reply=list[use_cases.PriceView],
        handler=use_cases.show_price,
        arguments=(Argument("model", "PROVIDER/MODEL", help="by any of its names, such as openai/gpt-5-mini"),),
    ),
    Action(
        name="price diff",
        meaning="compare the price book with newer prices, and show what a sync would change",
        example="aihub price diff --from prices.json",
        permission="see models",
        is_change=False,
        needs_books=False,
        request=use_cases.ComparePrices,
        reply=list[use_cases.PriceChanges],
        handler=use_cases.compare_prices,
    ),
    Action(
        name="price sync",
        meaning="append newer prices to the price book",
        details="Exit code 1 if prices wait until they are accepted.",
        example="aihub price sync --accept",
        permission="manage models",
        is_change=True,
        begins_books=True,
        request=use_cases.SyncPrices,
        reply=use_cases.PricesSynced | list[use_cases.PriceChanges],
        handler=use_cases.sync_prices,
        arguments=(Argument("accept", "--accept"), Argument("dry_run", "--dry-run")),
    ),
)
