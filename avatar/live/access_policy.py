"""The access policy of the server: which HTTP requests are admitted; the log of refused ones."""

import ipaddress
import secrets
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

HOST = "127.0.0.1"
"""This machine alone."""
LOOPBACK = ("localhost", HOST, "::1")
"""Names of the loopback interface."""
PAGE, LIVE = "/", "/live"
VIDEO, CALL = "/video", "/call"
"""The page of a call over WebRTC, and where its offer is answered."""
STUDIO, AVATAR, FILE = "/studio", "/avatar", "/file"
"""Of the studio: its socket, the page of the avatar within its page, and its files."""
SOCKETS = (LIVE, CALL, STUDIO)


@dataclass(frozen=True)
class Denied:
    """Why a request is refused."""

    status: int  # of HTTP
    sentence: str


@dataclass(frozen=True)
class AccessPolicy:
    """host: the address of the server; token: required of all; secure: whether TLS is used; calls:
    whether WebRTC is offered; origins: those under which a proxy shows the page; studio: whether it
    is the studio's."""

    host: str
    token: str | None = None
    secure: bool = False
    calls: bool = False
    origins: tuple[str, ...] = ()
    studio: bool = False

    def address(self, port: int) -> str:
        """The address of the page."""
        own = f"{self._scheme()}://{_named(self.host)}:{port}"
        query = f"?token={self.token}" if self.token else ""
        return f"{(self.origins or (own,))[0]}{PAGE}{query}"

    def ask(self, method: str, path: str, headers: Mapping[str, str]) -> Denied | None:
        """None: admitted. headers: by names in lower case."""
        parts = urlsplit(path)
        host = headers.get("host", "")
        if method != "GET":
            return Denied(405, "Only GET is answered")
        if is_loopback(self.host) and not is_loopback(_name(host)) and not self._is_proxied(host):
            return Denied(403, "This page is served to this machine alone")
        if self.token is not None and not self._knows(parts.query):
            return Denied(403, "The address must end with ?token= and the token that was printed")
        if parts.path not in self._paths():
            return Denied(404, "There is no such page")
        if parts.path in SOCKETS and not self._own(headers.get("origin"), host):
            return Denied(403, "Another site's page may not connect")
        return None

    def _paths(self) -> tuple[str, ...]:
        calls = (VIDEO, CALL) if self.calls else ()
        return PAGE, LIVE, *calls, *((STUDIO, AVATAR, FILE) if self.studio else ())

    def _knows(self, query: str) -> bool:
        said = parse_qs(query).get("token", [""])[0]
        return secrets.compare_digest(said.encode(), (self.token or "").encode())

    def _own(self, origin: str | None, host: str) -> bool:
        """Whether the origin is this server's page; programs other than browsers send none."""
        if origin is None or origin in self.origins:
            return True
        return origin == f"{self._scheme()}://{host}" and not self._is_proxied(host)

    def _scheme(self) -> str:
        return "https" if self.secure else "http"

    def _is_proxied(self, host: str) -> bool:
        """Whether a Host header is the public name of a proxy."""
        return _name(host) in (urlsplit(origin).hostname for origin in self.origins)


def is_loopback(name: str) -> bool:
    """Whether a name or address is of the loopback interface."""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name in LOOPBACK


def _name(host: str) -> str:
    """The name in a Host header, without port and brackets."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _named(host: str) -> str:
    """An address as written in a URL."""
    if host in ("0.0.0.0", "::"):
        return "localhost"
    return f"[{host}]" if ":" in host else host


QUIET = 10.0
"""Seconds between equal lines of the log."""


class Log:
    """Lines on stderr. Equal sentences appear at most every QUIET seconds, with a count, so that
    refused clients cannot fill the disk."""

    def __init__(
        self,
        write: Callable[[str], None] = lambda line: print(line, file=sys.stderr, flush=True),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write, self._clock = write, clock
        self._said: dict[str, tuple[float, int]] = {}  # sentence → when last, how often since

    def refused(self, sentence: str) -> None:
        """Log a refused client."""
        at, unsaid = self._said.get(sentence, (-QUIET, 0))
        now = self._clock()
        if now - at < QUIET:
            self._said[sentence] = (at, unsaid + 1)
            return
        again = f" ({unsaid} times more before)" if unsaid else ""
        self._write(f"refused: {sentence}{again}")
        self._said[sentence] = (now, 0)

    def tell_rest(self) -> None:
        """Log the pending counts."""
        for sentence, (_, unsaid) in self._said.items():
            if unsaid:
                self._write(f"refused: {sentence} ({unsaid} times more)")
        self._said.clear()
