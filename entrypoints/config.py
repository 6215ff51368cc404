"""The settings of the hub: one table, one precedence, and all errors reported at once.

The value of a setting comes from the command line, else the environment, else its default. An empty variable counts as
not set. A variable with one of the hub's prefixes that is no setting stops the start, since a misspelt
CREDIT_BASED_BILLING_ENABLED would give everything away.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from domain.catalog.aliases import Strategy
from domain.dialects.unsupported_params import Policy
from domain.management.rates_from_prices import Terms
from entrypoints import setting_types as kinds
from entrypoints.secret_references import is_reference
from entrypoints.usecases.manage.masking import is_secret_text, masked
from entrypoints.usecases.management_context import ActionPolicy, Starter
from entrypoints.vendor_keys import VENDOR_VARIABLES, vendor_keys

OURS = ("AIHUB_", "CREDIT_BASED_BILLING_", "NEW_USER_CREDIT_GRANT_")

Interface = Literal["asgi", "wsgi"]
Synchronous = Literal["FULL", "NORMAL"]
PassThrough = Literal["repaired", "exact"]
Transport = Literal["http1", "aiohttp"]
EventLoop = Literal["asyncio", "uvloop"]
Log = Literal["text", "json"]
Origin = Literal["command line", "environment", "default"]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The values of all settings. Amounts are in nanocredits; `vendor_keys` are by the name of their variable."""

    data_dir: Path
    database_url: str | None
    database_statements: int
    host: str
    port: int
    workers: int
    interface: Interface
    master_key: str | None
    master_key_file: Path | None
    owner_key: str | None
    billed: bool
    payment_link: str | None
    starter_enabled: bool
    starter_nanos: int
    starter_days: int
    low_balance_nanos: int
    private_webhooks: bool
    margin_nanos: int | None
    credit_price_nanos: int
    upstream_timeout_s: int
    keep_alive_s: int
    write_timeout_s: int
    first_token_timeout_s: int
    job_poll_s: int
    pass_through: PassThrough
    strategy: Strategy
    time_zone: str
    unsupported: Policy
    retries_max: int
    body_bytes_max: int
    cors_origins: tuple[str, ...]
    body_memory_bytes: int
    exclusive_cores: bool
    dashboard: bool
    transport: Transport
    event_loop: EventLoop
    metrics_token: str | None
    log: Log
    synchronous: Synchronous
    vendor_keys: dict[str, tuple[str, ...]]

    @property
    def terms(self) -> Terms | None:
        """The terms by which rates are made from the price book automatically; None if they are not."""
        if self.margin_nanos is None:
            return None
        return Terms(margin_nanos=self.margin_nanos, credit_price_nanos=self.credit_price_nanos)

    @property
    def policy(self) -> ActionPolicy:
        """The settings that actions depend on."""
        starter = Starter(nanos=self.starter_nanos, days=self.starter_days) if self.starter_enabled else None
        return ActionPolicy(
            starter=starter,
            terms=self.terms,
            billed=self.billed,
            strategy=self.strategy,
            time_zone=self.time_zone,
            low_balance_nanos=self.low_balance_nanos or None,
            private_webhooks=self.private_webhooks,
        )

    def __repr__(self) -> str:
        """A text without values: some are secrets, and a traceback must not show them."""
        return "Settings(…)"


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table. `read` returns the value of the text, or raises ValueError with what is expected."""

    name: str
    field: str
    read: Callable[[str], Any]
    kind: str
    default: str
    meaning: str
    secret: bool = False


class Effective(msgspec.Struct, frozen=True, kw_only=True):
    """The present value of a setting: its text (masked if secret) and its origin."""

    name: str
    value: str
    origin: Origin
    default: str
    meaning: str


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One error in one variable, with the remedy; it never contains a secret's value."""

    name: str
    text: str


SETTINGS: tuple[Setting, ...] = tuple(
    Setting(name=name, field=field, read=read, kind=kind, default=default, meaning=meaning, secret=kind == "secret")
    for name, field, read, kind, default, meaning in (
        ("DATA_DIR", "data_dir", kinds.path, "path", "./data", "where the books and the master key are kept"),
        ("DATABASE_URL", "database_url", kinds.database, "secret", "",
         "the PostgreSQL database that keeps the books, as postgresql://user:password@host/name; "
         "without it a SQLite file in DATA_DIR keeps them"),
        ("AIHUB_DATABASE_STATEMENT_CACHE", "database_statements", kinds.whole(0, 10_000), "whole number", "100",
         "how many prepared statements a connection to the database keeps; 0 for a pooler that gives each transaction "
         "another connection"),
        ("AIHUB_HOST", "host", kinds.host, "address", "127.0.0.1", "the address to listen on; 0.0.0.0 for all"),
        ("AIHUB_PORT", "port", kinds.whole(1, 65535), "whole number", "8080", "the port to listen on"),
        ("AIHUB_WORKERS", "workers", kinds.whole(1, 256), "whole number", "1", "how many processes serve"),
        ("AIHUB_INTERFACE", "interface", kinds.one_of("asgi", "wsgi"), "asgi or wsgi", "asgi",
         "how the server calls us"),
        ("AIHUB_MASTER_KEY", "master_key", kinds.master_key, "secret", "",
         "32 bytes, as base64 or hexadecimal digits, under which secrets are sealed; "
         "without it the file master.key in DATA_DIR, made on the first start; of several, "
         "separated by commas, the first seals"),
        ("AIHUB_MASTER_KEY_FILE", "master_key_file", kinds.optional_path, "path", "",
         "a file with the master key, one per line, that the hub only reads: a secret mounted into a container"),
        ("AIHUB_OWNER_KEY", "owner_key", kinds.token, "secret", "",
         "an API key for the owner, instead of one made on the first start"),
        ("CREDIT_BASED_BILLING_ENABLED", "billed", kinds.switch, "true or false", "false",
         "whether calls are charged to prepaid credit"),
        ("CREDIT_PAYMENT_LINK", "payment_link", kinds.link, "URL", "", "where a caller without credit can buy some"),
        ("NEW_USER_CREDIT_GRANT_ENABLED", "starter_enabled", kinds.switch, "true or false", "false",
         "whether `aihub user add` grants starter credit"),
        ("NEW_USER_CREDIT_GRANT_AMOUNT", "starter_nanos", kinds.amount, "credits", "0", "how much starter credit"),
        ("CREDIT_EXPIRATION_DAYS", "starter_days", kinds.whole(0, 36500), "days", "0",
         "how long starter credit lasts; 0: without end"),
        ("AIHUB_LOW_BALANCE", "low_balance_nanos", kinds.amount, "credits", "0",
         "the balance below which a notice is written, for wallets without a threshold of their own; 0: none"),
        ("AIHUB_PRIVATE_WEBHOOKS", "private_webhooks", kinds.switch, "true or false", "false",
         "whether the webhook may be at a loopback or private address, and be called over HTTP"),
        ("AIHUB_MARGIN", "margin_nanos", kinds.margin, "percent", "",
         "sell every model of the price book at this margin; empty: only models with a rate of their own"),
        ("AIHUB_CREDIT_PRICE", "credit_price_nanos", kinds.price, "US dollars", "1",
         "what one credit costs its buyer, if AIHUB_MARGIN makes the rates"),
        ("AIHUB_UPSTREAM_TIMEOUT_S", "upstream_timeout_s", kinds.whole(1, 86400), "seconds", "600",
         "how long a provider may be silent before an attempt is given up"),
        ("AIHUB_KEEP_ALIVE_S", "keep_alive_s", kinds.whole(0, 3600), "seconds", "15",
         "the interval of keep-alives in a stream whose provider is silent; 0: none"),
        ("AIHUB_WRITE_TIMEOUT_S", "write_timeout_s", kinds.whole(1, 3600), "seconds", "60",
         "how long a stream's caller may read nothing before it counts as disconnected"),
        ("AIHUB_FIRST_TOKEN_TIMEOUT_S", "first_token_timeout_s", kinds.whole(0, 3600), "seconds", "0",
         "how long a stream may take to its first token before the next provider is tried, if there is one; "
         "0: as long as AIHUB_UPSTREAM_TIMEOUT_S"),
        ("AIHUB_JOB_POLL_S", "job_poll_s", kinds.whole(0, 3600), "seconds", "5",
         "polling interval for asynchronous jobs such as video, shorter at first; 0: no pause"),
        ("AIHUB_PASS_THROUGH", "pass_through", kinds.one_of(*get_args(PassThrough)), "repaired or exact", "repaired",
         "whether an answer in the caller's own dialect is repaired if its vendor is known to break the dialect's "
         "schema (repaired), or keeps every byte (exact)"),
        ("AIHUB_ROUTING_STRATEGY", "strategy", kinds.one_of(*get_args(Strategy)), " or ".join(get_args(Strategy)),
         "round-robin", "which provider of a model is tried first; an alias has a strategy of its own"),
        ("AIHUB_UNSUPPORTED", "unsupported", kinds.one_of(*get_args(Policy)), " or ".join(get_args(Policy)), "drop",
         "what happens to an optional field that a provider does not support: it is left out and named in "
         "`x-aihub-dropped`, or the request is refused"),
        ("AIHUB_MAX_RETRIES", "retries_max", kinds.whole(0, 20), "whole number", "2",
         "how many more attempts a call gets after the first one failed"),
        ("AIHUB_BODY_BYTES_MAX", "body_bytes_max", kinds.whole(1024, 2**31 - 1), "bytes", "33554432",
         "the largest request body that is read"),
        ("AIHUB_CORS_ORIGINS", "cors_origins", kinds.origins, "origins", "",
         "web pages that may call the hub: origins such as https://app.example.com, separated by commas, "
         "or * for all; empty: none"),
        ("AIHUB_BODY_MEMORY_BYTES", "body_memory_bytes", kinds.whole(1024, 2**40), "bytes", "268435456",
         "the memory for all request bodies of a process; beyond it calls are refused with 503"),
        ("AIHUB_EXCLUSIVE_CORES", "exclusive_cores", kinds.switch, "true or false", "false",
         "whether the hub has its processor cores to itself: its threads then preempt each other less"),
        ("AIHUB_TIME_ZONE", "time_zone", kinds.time_zone, "time zone", "UTC",
         "whose days and months statistics have, as the IANA database names it, such as Europe/Berlin"),
        ("AIHUB_DASHBOARD", "dashboard", kinds.switch, "on or off", "on",
         "whether the dashboard is served at /dashboard"),
        ("AIHUB_TRANSPORT", "transport", kinds.one_of(*get_args(Transport)), "http1 or aiohttp", "http1",
         "the HTTP client for providers: the hub's own (http1), or aiohttp, which needs aihub[aiohttp]"),
        ("AIHUB_EVENT_LOOP", "event_loop", kinds.one_of(*get_args(EventLoop)), "asyncio or uvloop", "asyncio",
         "the event loop of the server: Python's own, or uvloop, which needs aihub[uvloop] and takes less CPU"),
        ("AIHUB_LOG", "log", kinds.one_of(*get_args(Log)), "text or json", "text",
         "how the server logs: warnings and errors as text, or every record and every call as a line of JSON"),
        ("AIHUB_METRICS_TOKEN", "metrics_token", kinds.token, "secret", "",
         "a token that may read /metrics and nothing else, besides the keys of owners and admins"),
        ("AIHUB_SYNCHRONOUS", "synchronous", kinds.one_of("FULL", "NORMAL"), "FULL or NORMAL", "FULL",
         "whether a commit survives a power failure (FULL) or only the death of the process (NORMAL)"),
    )
)  # fmt: skip

VARIABLES: tuple[str, ...] = (*(setting.name for setting in SETTINGS), *VENDOR_VARIABLES)
"""All variables that are read; each may refer to a secret elsewhere."""


def read_settings(
    environment: Mapping[str, str], options: Mapping[str, str] | None = None
) -> Settings | tuple[Problem, ...]:
    """The settings, or all their errors. `options` are the command line's, by variable name.

    A value that refers to a secret elsewhere is not checked: it is read before the hub opens.
    """
    problems = list(_unknown(environment))
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        text, origin = _text_of(setting, environment, options or {})
        try:
            values[setting.field] = text if is_reference(text) else setting.read(text)
        except ValueError as error:
            shown = "" if setting.secret else f"invalid value {text!r}: "
            where = " (command line)" if origin == "command line" else ""
            problems.append(Problem(name=setting.name + where, text=f"{shown}{error}"))
    values["vendor_keys"] = keys = {name: vendor_keys(environment, name) for name in VENDOR_VARIABLES}
    problems += [
        Problem(name=name, text="expected API keys without spaces inside, separated by commas")
        for name, secrets in keys.items()
        if not all(map(is_secret_text, secrets))
    ]
    if values.get("master_key") and values.get("master_key_file"):
        remedy = "set it or AIHUB_MASTER_KEY, not both"
        problems.append(Problem(name="AIHUB_MASTER_KEY_FILE", text=remedy))
    if values.get("starter_enabled") and values.get("starter_nanos") == 0:
        remedy = "expected an amount of credits above 0, or NEW_USER_CREDIT_GRANT_ENABLED=false"
        problems.append(Problem(name="NEW_USER_CREDIT_GRANT_AMOUNT", text=remedy))
    return tuple(problems) if problems else Settings(**values)


def effective(environment: Mapping[str, str], options: Mapping[str, str] | None = None) -> list[Effective]:
    """Every setting with its text and origin, then the vendors' keys; secrets masked."""
    rows: list[Effective] = []
    for setting in SETTINGS:
        text, origin = _text_of(setting, environment, options or {})
        rows.append(
            Effective(
                name=setting.name,
                value=masked(text) if setting.secret else text,
                origin=origin,
                default=setting.default,
                meaning=setting.meaning,
            )
        )
    for variable, vendor in VENDOR_VARIABLES.items():
        secrets = vendor_keys(environment, variable)
        rows.append(
            Effective(
                name=variable,
                value=", ".join(map(masked, secrets)),
                origin="environment" if secrets else "default",
                default="",
                meaning=f"API keys for {vendor}, which register themselves when the hub starts",
            )
        )
    return rows


def _text_of(setting: Setting, environment: Mapping[str, str], options: Mapping[str, str]) -> tuple[str, Origin]:
    sources: tuple[tuple[Mapping[str, str], Origin], ...] = ((options, "command line"), (environment, "environment"))
    for source, origin in sources:
        text = source.get(setting.name, "").strip()
        if text:
            return text, origin
    return setting.default, "default"


def _unknown(environment: Mapping[str, str]) -> list[Problem]:
    known = [setting.name for setting in SETTINGS]
    problems: list[Problem] = []
    for name in sorted(environment):
        if name.startswith(OURS) and name not in known:
            from difflib import get_close_matches

            near = get_close_matches(name, known, n=1, cutoff=0.6)
            remedy = f"did you mean {near[0]}?" if near else "unset it; `aihub config show` lists the settings"
            problems.append(Problem(name=name, text=f"unknown setting; {remedy}"))
    return problems
