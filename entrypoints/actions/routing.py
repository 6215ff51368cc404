"""Actions on aliases and routes."""

from entrypoints.actions.action import Action, Argument
from entrypoints.usecases.call import explain_route as routes
from entrypoints.usecases.manage import aliases
from entrypoints.usecases.management_context import NoFields

_NAME = Argument("name", "NAME")

ACTIONS = (
    Action(
        name="alias set",
        meaning="route a name to models by weight and priority, with fallback",
        example="aihub alias set fast --to openai/gpt-5-mini@0*3 anthropic/claude-haiku-4-5@0 xai/grok-4@1",
        permission="manage models",
        is_change=True,
        begins_books=True,
        request=aliases.SetAlias,
        reply=aliases.AliasView,
        handler=aliases.define_alias,
        arguments=(
            _NAME,
            Argument(
                "targets",
                "--to",
                "MODEL[@PRIORITY][*WEIGHT]",
                "PROVIDER/MODEL, a bare model or an alias; lower priorities first (0), calls shared by weight (1)",
            ),
            Argument("strategy", "--strategy"),
            Argument("canary", "--canary", "MODEL=N%"),
            Argument("first_token_timeout_s", "--first-token-timeout", "S"),
        ),
    ),
    Action(
        name="alias list",
        meaning="list the aliases",
        example="aihub alias list",
        permission="see models",
        is_change=False,
        request=NoFields,
        reply=list[aliases.AliasView],
        handler=aliases.list_aliases,
    ),
    Action(
        name="alias show",
        meaning="show where an alias leads",
        example="aihub alias show fast",
        permission="see models",
        is_change=False,
        request=aliases.NamedAlias,
        reply=aliases.AliasView,
        handler=aliases.show_alias,
        arguments=(_NAME,),
    ),
    Action(
        name="alias remove",
        meaning="remove an alias",
        example="aihub alias remove fast",
        permission="manage models",
        is_change=True,
        request=aliases.NamedAlias,
        reply=aliases.AliasRemoved,
        handler=aliases.drop_alias,
        arguments=(_NAME,),
    ),
    Action(
        name="route explain",
        meaning="show where a call to a model goes, and why, by the books and this environment's settings",
        details="Also who is left out and why.",
        example="aihub route explain fast",
        permission="see routes",
        is_change=False,
        request=routes.ExplainRoute,
        reply=routes.RouteView,
        handler=routes.explain_route,
        arguments=(Argument("model", "MODEL"),),
    ),
)
