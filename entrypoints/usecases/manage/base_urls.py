"""The check of a provider's base URL, before it is kept.

Local models are supported, so loopback and private networks are allowed. The metadata services of the clouds are
refused: they give credentials to any program that can make a machine ask them. An address is recognised in every
spelling that an HTTP client understands. Weak spot: a name is not resolved here, so a name server can still point it
anywhere; redirects, the easier attack, are never followed.
"""

import ipaddress
import re
import socket
from urllib.parse import urlsplit

_LOCAL = "echo"
_METADATA_NAMES = ("metadata.google.internal", "metadata.goog", "metadata", "instance-data")
_METADATA = tuple(map(ipaddress.ip_network, ("169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128", "100.100.100.200/32")))
_VERSION = re.compile(r"api-version=[A-Za-z0-9._-]{1,40}")
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252}[A-Za-z0-9_.])?")


def base_url_problem(url: str) -> str | None:
    """The problem of a provider's base URL, with the remedy; None if there is none."""
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return "write it in printable ASCII without blanks, such as https://api.example.com/v1"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        return f"it is no URL ({error}); write one such as https://api.example.com/v1"
    if parts.scheme not in ("http", "https", _LOCAL):
        return "write an http or https URL, such as https://api.example.com/v1"
    if "@" in parts.netloc:
        return "leave user name and password out: a secret is kept as a credential of its own"
    if "#" in url or ("?" in url and not _VERSION.fullmatch(parts.query)):
        return "leave out what comes after ? or #, but for Azure's ?api-version=2024-10-21"
    if not {"{", "}"}.isdisjoint(url.replace("/{model}", "")):
        return "the only place that is filled in is /{model}, as in Azure's /openai/deployments/{model}"
    if parts.scheme == _LOCAL:
        return None if url == "echo://local" else "the built-in provider is at echo://local"
    if port == 0:
        return "port 0 cannot be called"
    return host_problem(host, bracketed="[" in parts.netloc)


def host_problem(host: str, bracketed: bool) -> str | None:
    """The problem of a host: no name, no address, or one of a metadata service; None if there is none."""
    if not bracketed and not _NAME.fullmatch(host):
        return "write a host name or an IP address after the scheme, such as https://api.example.com/v1"
    address = address_of(host)
    if address is None:
        if bracketed:
            return f"{host} is no IPv6 address"
        refused = host.rstrip(".").lower() in _METADATA_NAMES
    else:
        refused = any(address in network for network in _METADATA)
    if refused:
        return f"{host} is a link-local or metadata address, which is not called"
    return None


def address_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that the host spells: also 2852039166, 0xa9fea9fe and ::ffff:169.254.169.254; None for a name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        try:
            return ipaddress.IPv4Address(socket.inet_aton(host.rstrip(".")))
        except OSError:
            return None
    if isinstance(address, ipaddress.IPv6Address):
        return address.ipv4_mapped or address.sixtofour or _translated(address) or address
    return address


def _translated(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address inside a NAT64 or an IPv4-compatible one."""
    if address in ipaddress.ip_network("64:ff9b::/96") or (int(address) >> 32 == 0 and int(address) > 0xFFFF):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None
