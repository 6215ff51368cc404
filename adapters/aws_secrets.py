"""Secrets in AWS: read from Secrets Manager, or decrypted by KMS (envelope encryption of a key that AWS never keeps).

House rule: botocore finds credentials, region and endpoint (also AWS_ENDPOINT_URL_SECRETS_MANAGER and
AWS_ENDPOINT_URL_KMS). A failure is a `VaultError` that names the reference and AWS's error code, never a secret.

https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html
"""

import base64
import binascii
from typing import Any

import msgspec

from ports.vault import VaultError

_KMS = "aws-kms:"
_ARN_PARTS = 7  # "arn", partition, service, region, account, "secret", name with its suffix; then key, stage, version


class AwsSecrets:
    """Reads references to secrets. Each secret is asked for once, however many fields of it are read."""

    def __init__(self) -> None:
        self._clients: dict[tuple[str, str | None], Any] = {}
        self._texts: dict[tuple[str, ...], str] = {}

    def read(self, reference: str) -> str:
        """Return the secret. Raises VaultError if it cannot be read."""
        if reference.startswith(_KMS):
            return self._decrypted(reference)
        parts = reference.split(":")
        arn, (key, stage, version) = ":".join(parts[:_ARN_PARTS]), (*parts[_ARN_PARTS:], "", "", "")[:3]
        text = self._secret(arn, parts[3], stage, version)
        return _field(text, key, arn) if key else text

    def _secret(self, arn: str, region: str, stage: str, version: str) -> str:
        name = (arn, stage, version)
        if name not in self._texts:
            wanted = {"SecretId": arn, "VersionStage": stage, "VersionId": version}
            answer = self._ask("secretsmanager", region, "get_secret_value", wanted, arn)
            text = answer.get("SecretString")
            if text is None:
                raise VaultError(f"{arn}: the secret is binary; keep it as text")
            self._texts[name] = text
        return self._texts[name]

    def _decrypted(self, reference: str) -> str:
        shown = f"{reference[:20]}…"
        try:
            blob = base64.b64decode(reference.removeprefix(_KMS), validate=True)
        except binascii.Error:
            raise VaultError(f"{shown}: what follows {_KMS} is not base64, as `aws kms encrypt` prints it") from None
        plain: bytes = self._ask("kms", None, "decrypt", {"CiphertextBlob": blob}, shown)["Plaintext"]
        text = plain.decode("latin-1").strip()
        # A data key is 32 random bytes, which are no printable text.
        return text if text.isascii() and text.isprintable() else base64.b64encode(plain).decode()

    def _ask(
        self, service: str, region: str | None, operation: str, fields: dict[str, Any], shown: str
    ) -> dict[str, Any]:
        client = self._client(service, region)
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer: dict[str, Any] = getattr(client, operation)(**{name: to for name, to in fields.items() if to})
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "an error")
            raise VaultError(
                f"{shown}: AWS answered {code} to {operation}: check the name and the permission"
            ) from None
        except BotoCoreError as error:
            raise VaultError(f"{shown}: AWS cannot be asked: {error}") from error
        return answer

    def _client(self, service: str, region: str | None) -> Any:
        found = self._clients.get((service, region))
        if found is None:
            try:
                from botocore.exceptions import BotoCoreError
                from botocore.session import get_session
            except ImportError:
                raise VaultError(
                    "secrets in AWS need botocore, which is not installed: run `.venv/bin/pip install -e '.[aws]'` "
                    "where the hub was installed"
                ) from None
            try:
                found = self._clients[service, region] = get_session().create_client(service, region_name=region)
            except BotoCoreError as error:
                raise VaultError(f"AWS's {service} cannot be asked: {error}") from error
        return found


def _field(text: str, key: str, arn: str) -> str:
    try:
        fields = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError:
        raise VaultError(f"{arn}: the secret is no JSON object, so it has no field {key!r}") from None
    value = fields.get(key)
    if not isinstance(value, str):
        raise VaultError(f"{arn}: the secret has no text in a field {key!r}")
    return value
