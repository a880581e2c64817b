"""Which names a server answers to, and pages of which origins may ask it.

A page in a browser can reach servers that its author cannot, such as one on 127.0.0.1. If its name is made to resolve
to that address (DNS rebinding), it may also read the answers; the browser then sends the page's name as `Host`.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address

from starlette.types import Scope

from imagewise.server.http.problems import Problem

ANY = "*"
_NETLOC = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::([0-9]{1,5}))?")
_PORTS = {"http": "80", "https": "443"}


class HostCheck:
    """Checks `Host` and `Origin` against the address that a server listens at.

    Bound to a loopback address, it answers to `localhost` and loopback addresses. Bound to all addresses, it answers to
    any address, which no page can fake, and to this machine's name. Otherwise, it answers to what it was bound to.

    Args:
        bound: name or address that the server listens at.
        more: further names; `*` for any.
    """

    def __init__(self, bound: str, more: Iterable[str] = ()) -> None:
        self._more = {name.lower().rstrip(".") for name in more}
        self._names = {"localhost", bound.lower()} | self._more
        address = _address(bound)
        self._wildcard = bound == "" or (address is not None and address.is_unspecified)
        self._loopback = bound.lower() == "localhost" or (address is not None and address.is_loopback)
        if self._wildcard:
            self._names.add(socket.gethostname().lower())

    def check(self, scope: Scope) -> None:
        """Check a request.

        Raises:
            Problem: 400 for no or several hosts; 421 for a host that is not ours; 403 for a page of another origin.
        """
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        origins = [value for name, value in scope["headers"] if name == b"origin"]
        if len(hosts) != 1 and (hosts or scope["http_version"] != "1.0"):
            raise Problem(400, "A request needs one Host header.")
        host = hosts[0].decode("latin-1").lower() if hosts else ""
        if hosts and not self._is_ours(host):
            detail = "The Host header has a name that this server does not answer to. "
            raise Problem(421, detail + "To add one, start it with: imagewise serve --allowed-host NAME.")
        for origin in origins:
            if not self._may_ask(origin.decode("latin-1").lower(), host):
                detail = "A page of another origin must not use this server. "
                raise Problem(403, detail + "To allow one, start it with: imagewise serve --allowed-host NAME.")

    def _is_ours(self, netloc: str) -> bool:
        if ANY in self._more:
            return True
        name, _ = _parts(netloc)
        if name in self._names:
            return True
        address = _address(name)
        return address is not None and (self._wildcard or (self._loopback and address.is_loopback))

    def _may_ask(self, origin: str, host: str) -> bool:
        if ANY in self._more:
            return True
        scheme, _, netloc = origin.partition("://")
        name, port = _parts(netloc, _PORTS.get(scheme, ""))
        return bool(name) and ((name, port) == _parts(host, _PORTS.get(scheme, "")) or name in self._more)


def _parts(netloc: str, default_port: str = "") -> tuple[str, str]:
    """Name, without brackets and without a dot at its end, and port. Empty if there is no such host."""
    found = _NETLOC.fullmatch(netloc)
    return (found[1].strip("[]").rstrip("."), found[2] or default_port) if found else ("", "")


def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(name.strip("[]"))
    except ValueError:
        return None
