"""A browser without a browser: a session of the dashboard over a real socket, and its forms."""

import re
from collections.abc import Mapping
from html import unescape
from urllib.parse import urlencode

import msgspec

from tests.behaviour.plain_calls import Response, ask
from tests.support.hub import HubProcess

FORM = {"content-type": "application/x-www-form-urlencoded"}
ROOT = "/dashboard"


class Browser(msgspec.Struct, frozen=True):
    """A signed-in visitor: the cookie, and the token of its forms."""

    hub: HubProcess
    cookie: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """What a script of a page sends with its calls."""
        return {"cookie": self.cookie, "x-csrf-token": self.token}

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Response:
        return ask(self.hub, path, key="", headers={"cookie": self.cookie, **(headers or {})})

    def post(self, path: str, token: str | None = None, **fields: str) -> Response:
        sent = {"token": self.token if token is None else token, **fields}
        headers = {"cookie": self.cookie, **FORM}
        return ask(self.hub, path, urlencode(sent).encode(), key="", method="POST", headers=headers)


def sign_in(hub: HubProcess, key: str) -> Browser:
    """The visitor with that key."""
    answer = post_form(hub, f"{ROOT}/sign-in", {"x-forwarded-for": "198.51.100.7"}, key=key)
    assert 303 == answer.status, answer.body
    cookie = str(answer.header("set-cookie")).partition(";")[0]
    page = ask(hub, f"{ROOT}/help", key="", headers={"cookie": cookie}).body.decode()
    return Browser(hub, cookie, re.findall(r'name="token" value="([^"]+)"', page)[0])


def post_form(hub: HubProcess, path: str, headers: Mapping[str, str] | None = None, **fields: str) -> Response:
    """A form that is sent without a session."""
    return ask(hub, path, urlencode(fields).encode(), key="", method="POST", headers={**FORM, **(headers or {})})


def text_of(answer: Response) -> str:
    """What a page shows, without its tags."""
    return unescape(re.sub(r"<[^>]+>", " ", answer.body.decode()))
