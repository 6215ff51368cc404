"""Actions on providers and their credentials."""

from entrypoints.actions.action import Action, Argument
from entrypoints.usecases.manage import provider_actions as use_cases
from entrypoints.usecases.management_context import NoFields

_CREDENTIAL_ID = Argument("id", "ID", help="as `aihub credential list` shows it")

ACTIONS = (
    Action(
        name="provider add",
        meaning="add a provider; a known NAME brings its dialect and URL",
        details="Adding a provider again changes it.",
        example="aihub provider add local --dialect openai --base-url http://127.0.0.1:11434/v1",
        permission="manage models",
        is_change=True,
        begins_books=True,
        request=use_cases.AddProvider,
        reply=use_cases.ProviderAdded,
        handler=use_cases.add_provider,
        arguments=(
            Argument("name", "NAME"),
            Argument("dialect", "--dialect"),
            Argument("base_url", "--base-url", "URL"),
            Argument("priority", "--priority", "N"),
            Argument("weight", "--weight", "N"),
        ),
    ),
    Action(
        name="provider list",
        meaning="list the providers",
        example="aihub provider list",
        permission="see models",
        is_change=False,
        request=NoFields,
        reply=list[use_cases.ProviderView],
        handler=use_cases.list_providers,
    ),
    Action(
        name="provider remove",
        meaning="remove a provider with its credentials",
        example="aihub provider remove local",
        permission="manage models",
        is_change=True,
        request=use_cases.NamedProvider,
        reply=use_cases.Removed,
        handler=use_cases.remove_provider,
        arguments=(Argument("name", "NAME"),),
    ),
    Action(
        name="credential add",
        meaning="add a provider's secret, read from standard input",
        details="One that its provider rejects is out of use until it is activated.",
        example="aihub credential add openai --name team --weight 50 < secret.txt",
        permission="manage models",
        is_change=True,
        begins_books=True,
        request=use_cases.AddCredential,
        reply=use_cases.CredentialView,
        handler=use_cases.add_credential,
        arguments=(
            Argument("provider", "PROVIDER", help="as `aihub provider list` shows it"),
            Argument("name", "--name", "LABEL"),
            Argument("weight", "--weight", "N"),
        ),
    ),
    Action(
        name="credential list",
        meaning="list the credentials, masked",
        example="aihub credential list",
        permission="see models",
        is_change=False,
        request=NoFields,
        reply=list[use_cases.CredentialView],
        handler=use_cases.list_credentials,
    ),
    Action(
        name="credential activate",
        meaning="use a credential again that its provider rejected",
        example="aihub credential activate cred_01k8…",
        permission="manage models",
        is_change=True,
        request=use_cases.NamedCredential,
        reply=use_cases.CredentialActivated,
        handler=use_cases.activate_credential,
        arguments=(_CREDENTIAL_ID,),
    ),
    Action(
        name="credential remove",
        meaning="remove a credential",
        example="aihub credential remove cred_01k8…",
        permission="manage models",
        is_change=True,
        request=use_cases.NamedCredential,
        reply=use_cases.CredentialRemoved,
        handler=use_cases.remove_credential,
        arguments=(_CREDENTIAL_ID,),
    ),
)
