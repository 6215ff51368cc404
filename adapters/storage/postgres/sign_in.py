"""Signing in to Aurora DSQL by IAM: in place of a password, a token that AWS's own signer makes for each connection.

A cluster takes nothing else, and only over TLS. A token is good for a quarter of an hour and is looked at when a
connection is made, so none is kept. botocore finds the credentials of AWS, which may take a request of its own.

https://docs.aws.amazon.com/aurora-dsql/latest/userguide/SECTION_authentication-token.html
"""

import asyncio
import re
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from ports.books import StorageError

# <cluster>.dsql.<region>.on.aws, or dsql-<service> for an endpoint within a VPC.
_CLUSTER = re.compile(r"[a-z0-9]+\.dsql(?:-[a-z0-9]+)?\.([a-z0-9-]+)\.on\.aws")
_ADMIN = "admin"


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """How to sign in without a password. `token` makes a new one, and may wait; StorageError if it cannot."""

    token: Callable[[], str]
    tls: ssl.SSLContext

    async def password(self) -> str:
        """A token for the connection that is made now."""
        return await asyncio.to_thread(self.token)


def sign_in_of(url: str) -> SignIn | None:
    """How to sign in to the database of this URL; None where its own user and password do."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    found = _CLUSTER.fullmatch(host)
    if found is None:
        return None
    signer = _Signer(host, found.group(1), unquote(parts.username or ""))
    return SignIn(token=signer.token, tls=ssl.create_default_context())


class _Signer:
    """Makes tokens for one user of one cluster. The user `admin` has an action of its own in IAM."""

    def __init__(self, host: str, region: str, user: str) -> None:
        self._host, self._region, self._user = host, region, user
        self._client: Any = None

    def token(self) -> str:
        try:
            from botocore.exceptions import BotoCoreError
            from botocore.session import get_session
        except ImportError:
            raise StorageError("Aurora DSQL needs the package botocore: pip install 'aihub[dsql]'") from None
        try:
            if self._client is None:
                self._client = get_session().create_client("dsql", region_name=self._region)
            kind = "generate_db_connect_admin_auth_token" if self._user == _ADMIN else "generate_db_connect_auth_token"
            token: str = getattr(self._client, kind)(self._host, self._region)
        except BotoCoreError as error:
            raise StorageError(f"no token for Aurora DSQL: {error}") from error
        return token
