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


def tables_of(answer: Response) -> list[list[dict[str, str]]]:
    """The tables of a page: for each row the texts of its cells by the heads of their columns."""
    tables = re.findall(r"<table.*?</table>", answer.body.decode(), re.DOTALL)
    return [_rows(table) for table in tables]


def _rows(table: str) -> list[dict[str, str]]:
    head, _, body = table.partition("</thead>")
    names = _cells(head)
    return [dict(zip(names, _cells(row), strict=False)) for row in re.findall(r"<tr>.*?</tr>", body, re.DOTALL)]


def _cells(markup: str) -> list[str]:
    cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", markup, re.DOTALL)
    return [" ".join(unescape(re.sub(r"<[^>]+>", " ", cell)).split()) for cell in cells]


def text_of(answer: Response) -> str:
    """What a page shows, without its tags."""
    return unescape(re.sub(r"<[^>]+>", " ", answer.body.decode()))
