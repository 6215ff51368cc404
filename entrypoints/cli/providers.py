"""The views of the actions on providers and their credentials."""

from entrypoints.cli.output import Output, Views, table
from entrypoints.usecases.manage import credential_checks as checks
from entrypoints.usecases.manage import provider_actions as actions
from entrypoints.usecases.manage import provider_changes
from entrypoints.usecases.management_context import NoFields


def provider_added(request: actions.AddProvider, reply: actions.ProviderAdded) -> Output:
    """`provider add`, and how to give the provider a secret if it needs one."""
    done = f"{reply.done} provider {reply.name}"
    if reply.done == "unchanged":
        done = f"provider {reply.name} is there already"
    hint = f"; give it a secret with `aihub credential add {reply.name}`" if reply.needs_credential else ""
    return Output(text=f"{done}: {reply.dialect} at {reply.base_url}{hint}")


def provider_list(request: NoFields, reply: list[actions.ProviderView]) -> Output:
    """`provider list`."""
    rows = [(row.name, row.dialect, row.base_url, row.priority, row.weight, _state(row), row.created) for row in reply]
    heads = ("NAME", "DIALECT", "BASE URL", "PRIORITY", "WEIGHT", "STATE", "ADDED")
    return Output(text=table(heads, rows, "There are no providers; see `aihub provider add -h`."))


def provider_changed(
    request: provider_changes.ChangeProvider | actions.NamedProvider, reply: actions.ProviderView
) -> Output:
    """`provider change`, `provider disable`, `provider enable`."""
    named = f"{reply.name} ({reply.display_name})" if reply.display_name != reply.name else reply.name
    return Output(
        text=f"provider {named} is {_state(reply)}: {reply.dialect} at {reply.base_url},"
        f" priority {reply.priority}, weight {reply.weight}"
    )


def _state(provider: actions.ProviderView) -> str:
    return "enabled" if provider.enabled else "disabled"


def provider_removed(request: actions.NamedProvider, reply: actions.Removed) -> Output:
    """`provider remove`."""
    return Output(text=f"removed provider {reply.name} with its credentials")


def credential_added(request: actions.AddCredential, reply: actions.CredentialView) -> Output:
    """`credential add`."""
    return Output(text=f"added credential {reply.id} ({reply.secret}) for {reply.provider}")


def credential_list(request: NoFields, reply: list[actions.CredentialView]) -> Output:
    """`credential list`."""
    rows = [
        (
            row.id,
            row.provider,
            row.name,
            row.secret,
            row.weight,
            row.uses,
            "active" if row.active else "inactive",
            row.error,
        )
        for row in reply
    ]
    heads = ("ID", "PROVIDER", "NAME", "SECRET", "WEIGHT", "USES", "STATE", "ERROR")
    nothing = "There are no credentials yet; see `aihub credential add -h`."
    all_active = all(row.active for row in reply)
    note = "" if all_active else "`aihub credential activate ID` lets an inactive one be used again"
    return Output(text=table(heads, rows, nothing), note=note)


def credential_changed(request: provider_changes.ChangeCredential, reply: actions.CredentialView) -> Output:
    """`credential change`."""
    named = f" {reply.name!r}" if reply.name else ""
    return Output(text=f"credential {reply.id}{named} ({reply.secret}) has weight {reply.weight}")


def credential_checked(request: checks.CheckCredential, reply: actions.CredentialView) -> Output:
    """`credential check`, where the provider answered."""
    return Output(text=f"{reply.provider} accepts credential {reply.id}, which is in use")


def secret_tested(request: checks.TestCredential, reply: checks.SecretWorks) -> Output:
    """`credential test`, where the provider answered."""
    return Output(text=f"{reply.provider} answered a call to {reply.model}; nothing was saved")


def credential_activated(request: actions.NamedCredential, reply: actions.CredentialActivated) -> Output:
    """`credential activate`."""
    return Output(text=f"credential {reply.id} is used again")


def credential_removed(request: actions.NamedCredential, reply: actions.CredentialRemoved) -> Output:
    """`credential remove`."""
    return Output(text=f"removed credential {reply.id}")


VIEWS: Views = {
    "provider add": provider_added,
    "provider change": provider_changed,
    "provider disable": provider_changed,
    "provider enable": provider_changed,
    "provider list": provider_list,
    "provider remove": provider_removed,
    "credential add": credential_added,
    "credential list": credential_list,
    "credential change": credential_changed,
    "credential check": credential_checked,
    "credential test": secret_tested,
    "credential activate": credential_activated,
    "credential remove": credential_removed,
}
