"""AWS Secrets Manager and KMS on this machine: real sockets, AWS's JSON protocol, and a record of what was requests."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class AwsDouble:
    """Secrets by ARN, and ciphertexts with what they decrypt to. Everything else is answered as AWS refuses it."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.plaintexts: dict[bytes, bytes] = {}
        self.requests: list[str] = []
        self.authorizations: list[str] = []
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                fields = json.loads(self.rfile.read(int(self.headers["content-length"])))
                target = self.headers["x-amz-target"]
                double.authorizations.append(self.headers["authorization"])
                status, answer = double.answer(target, fields)
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", "application/x-amz-json-1.1")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def environment(self) -> dict[str, str]:
        """What leads botocore here."""
        url = f"http://127.0.0.1:{self._server.server_port}"
        return {
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": url,
            "AWS_ENDPOINT_URL_KMS": url,
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI",
            "AWS_SESSION_TOKEN": "of a role",
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
        }

    def answer(self, target: str, fields: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if target == "secretsmanager.GetSecretValue":
            arn = fields["SecretId"]
            self.requests.append(":".join([arn, *filter(None, (fields.get("VersionStage"), fields.get("VersionId")))]))
            if arn in self.secrets:
                return 200, {"ARN": arn, "Name": "n", "SecretString": self.secrets[arn]}
            return 400, {"__type": "ResourceNotFoundException", "Message": "Secrets Manager can't find it."}
        assert target == "TrentService.Decrypt"
        blob = base64.b64decode(fields["CiphertextBlob"])
        self.requests.append("decrypt")
        if blob in self.plaintexts:
            return 200, {"KeyId": "k", "Plaintext": base64.b64encode(self.plaintexts[blob]).decode()}
        return 400, {"__type": "InvalidCiphertextException"}
