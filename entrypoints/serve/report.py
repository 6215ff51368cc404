"""The report to the operator at the start: as text, or as one JSON object for scripts."""

import os
import shlex
import sys

import msgspec

from entrypoints.config import Interface
from entrypoints.usecases.manage.first_run import FirstRun


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of the report: where the hub is, and on the first run how to begin."""

    url: str
    data: str
    master_key: str
    first: FirstRun
    registered: tuple[str, ...]
    lost: int
    billed: bool
    workers: int
    interface: Interface
    dashboard: bool = False
    sign_in_link: str | None = None


def error_text(started: Started) -> str:
    """The text at the start: long on the first run, which alone shows the owner's key."""
    first = started.first
    charged = "are charged to prepaid credit" if started.billed else "are metered and not charged"
    billing = f"{'on' if started.billed else 'off'}: calls {charged} (CREDIT_BASED_BILLING_ENABLED)"
    link = started.sign_in_link
    open_at = f"{link}   (works once, for 15 minutes)" if link else f"{started.url}/dashboard"
    keep = "   (keep a copy: sealed secrets are lost without it)" if first.fresh else ""
    facts = {"dashboard": open_at} if started.dashboard else {}
    facts |= {
        "data": started.data,
        "master key": f"{started.master_key}{keep}",
        "billing": billing,
        "processes": f"{started.workers}, {started.interface}",
    }
    if first.fresh:
        facts = {
            "owner's API key": f"{first.key}   (shown once)" if first.key else "the one in AIHUB_OWNER_KEY"
        } | facts
    lines = [f"aihub serves at {started.url}/v1", "", *(f"  {name:<15}  {fact}" for name, fact in facts.items()), ""]
    if first.fresh:
        lines += _first_steps(started)
    if first.given_key_revoked:
        lines.append("The key in AIHUB_OWNER_KEY was revoked and authenticates nobody; unset it or give another.")
    lines += [f"Registered from the environment: {what}" for what in started.registered]
    if started.lost:
        lines.append(f"Given back what {started.lost} lost calls of an earlier process held.")
    return "\n".join(lines)


def _first_steps(started: Started) -> list[str]:
    """A call and two commands that work as pasted, in another terminal too."""
    key = started.first.key or "$AIHUB_OWNER_KEY"
    folder = os.environ.get("DATA_DIR", "")
    command = f"DATA_DIR={shlex.quote(os.path.abspath(folder))} {sys.argv[0]}" if folder else sys.argv[0]
    return [
        "Try it:",
        "",
        f"  curl {started.url}/v1/chat/completions \\",
        f'    -H "Authorization: Bearer {key}" -H "Content-Type: application/json" \\',
        """    -d '{"model": "echo/echo", "messages": [{"role": "user", "content": "Hello, hub!"}]}'""",
        "",
        "Then:",
        "",
        f"  {command} call list",
        f"  {command} provider add openai",
        f"  {sys.argv[0]} --help",
        "",
    ]


def in_json(started: Started) -> str:
    """The same for scripts: one object of JSON."""
    first = started.first
    return msgspec.json.encode(
        {
            "url": started.url,
            "first_run": first.fresh,
            "key": first.key,
            "data": started.data,
            "master_key": started.master_key,
            "registered": started.registered,
            "lost": started.lost,
            "billing": started.billed,
            "workers": started.workers,
            "interface": started.interface,
            "dashboard": f"{started.url}/dashboard" if started.dashboard else None,
            "sign_in_link": started.sign_in_link,
        }
    ).decode()
