"""Settings that refer to AWS Secrets Manager or KMS, read by a hub of its own process from a double of both."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.behaviour.plain_calls import CHAT, ask, openai_body
from tests.support.aws import AwsDouble
from tests.support.command_runner import command_runner
from tests.support.hub import HubProcess, running_hub

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:hub-AbCdEf"
OLD, NEW = b"o" * 16 + bytes(16), b"n" * 16 + bytes(16)
OWNER = "owner-key-from-aws-0123456789abcdef"
BLOB_OLD, BLOB_NEW = b"\x01\x02old", b"\x01\x02new"


@pytest.fixture
def aws() -> Iterator[AwsDouble]:
    with AwsDouble() as double:
        double.plaintexts = {BLOB_OLD: OLD, BLOB_NEW: base64.b64encode(NEW) + b"\n"}
        double.secrets[ARN] = json.dumps({"master": OLD.hex(), "owner": OWNER, "number": 1})
        yield double


def kms(blob: bytes) -> str:
    return f"aws-kms:{base64.b64encode(blob).decode()}"


def test_master_key_and_owner_key_come_from_one_secret_that_is_read_once_per_process(
    tmp_path: Path, aws: AwsDouble
) -> None:
    secrets = {"AIHUB_MASTER_KEY": f"{ARN}:master::", "AIHUB_OWNER_KEY": f"{ARN}:owner:AWSCURRENT:"}
    with running_hub(tmp_path / "data", env={**aws.environment, **secrets}) as hub:
        hub.key = OWNER
        answer = ask(hub, CHAT, openai_body("echo/echo"))
        shown = {row["name"]: row for row in hub.cli("config", "show")}

    assert 200 == answer.status
    assert not (hub.data_dir / "master.key").exists()
    assert {ARN, f"{ARN}:AWSCURRENT"} == set(aws.requests)
    assert all("/eu-central-1/secretsmanager/aws4_request" in signed for signed in aws.authorizations)
    assert OLD.hex() not in json.dumps(shown) + hub.log.read_text()
    assert OWNER not in json.dumps(shown) + hub.log.read_text()


def test_a_master_key_that_kms_encrypted_is_rotated_by_a_second_one_before_it(tmp_path: Path, aws: AwsDouble) -> None:
    hub = HubProcess(tmp_path / "data", env={**aws.environment, "AIHUB_MASTER_KEY": kms(BLOB_OLD)})
    hub.cli("provider", "add", "oai", "--dialect", "openai", "--base-url", "http://127.0.0.1:9/v1")
    hub.cli("credential", "add", "oai", secret="sk-sealed-under-a-data-key-1234")
    hub.env["AIHUB_MASTER_KEY"] = f"{kms(BLOB_NEW)},{kms(BLOB_OLD)}"
    rotated = hub.cli("master-key", "rotate")
    hub.env["AIHUB_MASTER_KEY"] = kms(BLOB_NEW)
    alone = hub.cli("ledger", "verify")

    assert 1 == rotated["credentials"]
    assert alone["ok"]
    assert all("/eu-west-1/kms/aws4_request" in signed for signed in aws.authorizations)


@pytest.mark.parametrize(
    ("setting", "value", "problem"),
    [
        ("AIHUB_MASTER_KEY", f"{ARN}-gone", "AWS answered ResourceNotFoundException to get_secret_value"),
        ("AIHUB_OWNER_KEY", f"{ARN}:nothing::", "the secret has no text in a field 'nothing'"),
        ("AIHUB_OWNER_KEY", f"{ARN}:number::", "the secret has no text in a field 'number'"),
        ("OPENAI_API_KEY", f"{ARN}:owner::,{ARN}-x", "AWS answered ResourceNotFoundException"),
        ("AIHUB_MASTER_KEY", kms(b"another"), "AWS answered InvalidCiphertextException to decrypt"),
        ("AIHUB_MASTER_KEY", "aws-kms:AAA", "is not base64"),
        ("AIHUB_MASTER_KEY", f"{ARN}:owner::", "expected 32 bytes as base64"),
    ],
)
def test_a_reference_that_cannot_be_read_stops_the_start_and_names_the_setting(
    tmp_path: Path, aws: AwsDouble, setting: str, value: str, problem: str
) -> None:
    hub = HubProcess(tmp_path / "data", env={**aws.environment, setting: value})
    reported = command_runner().run(["user", "list"], hub.env)

    assert reported.exit_code != 0
    assert setting in reported.err
    assert problem in reported.err
    assert OWNER not in reported.err
    assert OLD.hex() not in reported.err


def test_other_variables_that_look_like_references_are_left_alone(tmp_path: Path, aws: AwsDouble) -> None:
    hub = HubProcess(tmp_path / "data", env={**aws.environment, "SOME_SECRET": ARN})
    hub.cli("config", "show")
    hub.cli("user", "add", "ann")

    assert [] == aws.requests
