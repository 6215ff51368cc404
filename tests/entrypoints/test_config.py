"""Settings: one precedence for all of them, every mistake at once and by name, and no secret ever shown."""

from pathlib import Path

import pytest

from entrypoints.config import SETTINGS, Setting, Settings, effective, read_settings
from entrypoints.vendor_keys import VENDOR_VARIABLES

KEY = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
OTHER_KEY = KEY[::-1]

# Of every setting two good values, other than its default.
GOOD: dict[str, tuple[str, str]] = {
    "DATA_DIR": ("/a", "/b"),
    "AIHUB_HOST": ("0.0.0.0", "::1"),
    "AIHUB_PORT": ("1", "65535"),
    "AIHUB_WORKERS": ("2", "3"),
    "AIHUB_INTERFACE": ("wsgi", "WSGI"),
    "AIHUB_MASTER_KEY": (KEY, OTHER_KEY),
    "AIHUB_MASTER_KEY_FILE": ("/run/secrets/master-key", "/etc/aihub/key"),
    "AIHUB_OWNER_KEY": ("canary-owner-key-1", "canary-owner-key-2"),
    "DATABASE_URL": ("postgresql://hub:canary@db/one", "postgres://hub:canary@db:6432/other?sslmode=require"),
    "AIHUB_DATABASE_STATEMENT_CACHE": ("0", "10"),
    "CREDIT_BASED_BILLING_ENABLED": ("true", "yes"),
    "CREDIT_PAYMENT_LINK": ("https://pay.example/a", "https://pay.example/b"),
    "NEW_USER_CREDIT_GRANT_ENABLED": ("false", "no"),
    "NEW_USER_CREDIT_GRANT_AMOUNT": ("5", "0.25"),
    "CREDIT_EXPIRATION_DAYS": ("30", "60"),
    "AIHUB_LOW_BALANCE": ("5", "0.5"),
    "AIHUB_PRIVATE_WEBHOOKS": ("true", "false"),
    "AIHUB_MARGIN": ("20", "12.5"),
    "AIHUB_CREDIT_PRICE": ("0.01", "2"),
    "AIHUB_UPSTREAM_TIMEOUT_S": ("1", "2"),
    "AIHUB_KEEP_ALIVE_S": ("5", "0"),
    "AIHUB_WRITE_TIMEOUT_S": ("5", "30"),
    "AIHUB_JOB_POLL_S": ("2", "0"),
    "AIHUB_MAX_RETRIES": ("0", "5"),
    "AIHUB_BODY_BYTES_MAX": ("1024", "2048"),
    "AIHUB_BODY_MEMORY_BYTES": ("100000000", "200000000"),
    "AIHUB_EXCLUSIVE_CORES": ("true", "on"),
    "AIHUB_FIRST_TOKEN_TIMEOUT_S": ("5", "30"),
    "AIHUB_PASS_THROUGH": ("exact", "Repaired"),
    "AIHUB_DASHBOARD": ("off", "true"),
    "AIHUB_EVENT_LOOP": ("uvloop", "Uvloop"),
    "AIHUB_TRANSPORT": ("aiohttp", "Http1"),
    "AIHUB_TIME_ZONE": ("Europe/Berlin", "Asia/Kolkata"),
    "AIHUB_ROUTING_STRATEGY": ("least-cost", "Least-Latency"),
    "AIHUB_CORS_ORIGINS": ("https://a.example", "*"),
    "AIHUB_UNSUPPORTED": ("refuse", "Drop"),
    "AIHUB_LOG": ("json", "JSON"),
    "AIHUB_METRICS_TOKEN": ("canary-metrics-token-1", "canary-metrics-token-2"),
    "AIHUB_SYNCHRONOUS": ("NORMAL", "normal"),
}


def read(environment: dict[str, str], **options: str) -> Settings:
    settings = read_settings(environment, options)
    assert isinstance(settings, Settings), settings
    return settings


def test_nothing_set_is_a_hub_on_this_machine_that_bills_nothing() -> None:
    settings = read({})

    assert (settings.data_dir, settings.host, settings.port, settings.workers) == (Path("data"), "127.0.0.1", 8080, 1)
    assert not settings.billed
    assert settings.payment_link is None
    assert (settings.upstream_timeout_s, settings.retries_max, settings.body_bytes_max) == (600, 2, 32 * 1024 * 1024)
    assert settings.synchronous == "FULL"
    assert settings.master_key is None
    assert all(keys == () for keys in settings.vendor_keys.values())


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_has_the_same_precedence(setting: Setting) -> None:
    """(G24)"""
    one, other = GOOD[setting.name]

    by_default = {row.name: row for row in effective({})}[setting.name]
    by_environment = {row.name: row for row in effective({setting.name: one})}[setting.name]
    by_option = {row.name: row for row in effective({setting.name: one}, {setting.name: other})}[setting.name]

    assert [row.origin for row in (by_default, by_environment, by_option)] == ["default", "environment", "command line"]
    assert getattr(read({setting.name: one}), setting.field) == setting.read(one)
    assert getattr(read({setting.name: one}, **{setting.name: other}), setting.field) == setting.read(other)
    assert getattr(read({setting.name: " "}), setting.field) == setting.read(setting.default)


def test_every_mistake_is_reported_at_once_and_by_name() -> None:
    bad = {
        "AIHUB_HOST": "no host",
        "AIHUB_PORT": "65536",
        "AIHUB_WORKERS": "-1",
        "AIHUB_INTERFACE": "cgi",
        "AIHUB_MASTER_KEY": "canary-bad-master-key",
        "DATABASE_URL": "mysql://hub:canary@db/name",
        "AIHUB_DATABASE_STATEMENT_CACHE": "all",
        "AIHUB_OWNER_KEY": "canary bad owner key",
        "CREDIT_BASED_BILLING_ENABLED": "maybe",
        "CREDIT_PAYMENT_LINK": "javascript:alert(1)",
        "NEW_USER_CREDIT_GRANT_ENABLED": "2",
        "NEW_USER_CREDIT_GRANT_AMOUNT": "1e3",
        "CREDIT_EXPIRATION_DAYS": "1.5",
        "AIHUB_MARGIN": "20%",
        "AIHUB_CREDIT_PRICE": "0",
        "AIHUB_UPSTREAM_TIMEOUT_S": "0",
        "AIHUB_MAX_RETRIES": "x",
        "AIHUB_BODY_BYTES_MAX": "1",
        "AIHUB_SYNCHRONOUS": "OFF",
        "OPENAI_API_KEY": "canary key",
    }

    problems = read_settings(bad)

    assert not isinstance(problems, Settings)
    assert {problem.name for problem in problems} == set(bad)
    assert all("expected" in problem.text for problem in problems)
    assert "canary" not in str(problems)


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("AIHUB_PROT", "AIHUB_PORT"),
        ("AIHUB_MASTERKEY", "AIHUB_MASTER_KEY"),
        ("CREDIT_BASED_BILLING_ENABLE", "CREDIT_BASED_BILLING_ENABLED"),
        ("AIHUB_ZZZZZZZZ", "aihub config show"),
    ],
)
def test_a_name_of_ours_that_is_no_setting_is_refused_with_the_nearest_one(name: str, remedy: str) -> None:
    problems = read_settings({name: "canary-value"})

    assert not isinstance(problems, Settings)
    (problem,) = problems
    assert problem.name == name
    assert remedy in problem.text
    assert "canary" not in problem.text


def test_names_that_are_not_ours_are_nobody_s_business() -> None:
    read({"PATH": "/bin", "CREDIT_CARD": "x", "_AIHUB": "x"})


def test_starter_credit_needs_an_amount() -> None:
    problems = read_settings({"NEW_USER_CREDIT_GRANT_ENABLED": "true"})

    assert not isinstance(problems, Settings)
    assert [problem.name for problem in problems] == ["NEW_USER_CREDIT_GRANT_AMOUNT"]
    both = read({"NEW_USER_CREDIT_GRANT_ENABLED": "true", "NEW_USER_CREDIT_GRANT_AMOUNT": "0.5"})
    assert both.starter_nanos == 500_000_000


def test_a_comma_separates_several_keys_of_a_vendor() -> None:
    settings = read({"OPENAI_API_KEY": "sk-one, sk-two,,sk-one"})

    assert settings.vendor_keys["OPENAI_API_KEY"] == ("sk-one", "sk-two")
    assert set(settings.vendor_keys) == set(VENDOR_VARIABLES)


def test_a_master_key_has_one_origin() -> None:
    problems = read_settings({"AIHUB_MASTER_KEY": KEY, "AIHUB_MASTER_KEY_FILE": "/run/secrets/master-key"})

    assert not isinstance(problems, Settings)
    assert ["AIHUB_MASTER_KEY_FILE"] == [problem.name for problem in problems]


def test_a_reference_to_a_secret_is_shown_and_not_judged() -> None:
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:hub-AbCdEf:master::"

    assert arn == read({"AIHUB_MASTER_KEY": arn}).master_key


def test_secrets_are_never_shown_whole() -> None:
    secrets = {
        "AIHUB_MASTER_KEY": KEY,
        "AIHUB_OWNER_KEY": "canary-owner-key-1",
        "OPENAI_API_KEY": "sk-canary-0123456789,sk-canary-9876543210",
    }

    shown = str(effective(secrets)) + repr(read(secrets)) + str(read(secrets))

    for secret in ",".join(secrets.values()).split(","):
        assert secret not in shown
        assert f"{secret[:4]}…{secret[-4:]}" in shown


@pytest.mark.parametrize(
    ("variables", "keys"),
    [
        ({"AWS_BEARER_TOKEN_BEDROCK": "key-1,key-2"}, ("key-1", "key-2")),
        ({"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret/+1"}, ("AKID:secret/+1",)),
        (
            {"AWS_BEARER_TOKEN_BEDROCK": "key-1", "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s"},
            ("key-1", "AKID:s"),
        ),
        ({"AWS_ACCESS_KEY_ID": "AKID"}, ()),
        # A role's credentials, as Lambda gives them to every function: they end within hours.
        ({"AWS_ACCESS_KEY_ID": "ASIA", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"}, ()),
    ],
)
def test_a_pair_of_aws_keys_is_a_key_of_bedrocks(variables: dict[str, str], keys: tuple[str, ...]) -> None:
    assert keys == read(variables).vendor_keys["AWS_BEARER_TOKEN_BEDROCK"]
