"""Pages and sessions on one port, over WebSockets (RFC 6455)."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus

from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.http11 import Request, Response

from avatar.live.access_policy import CALL, HOST, PAGE, SOCKETS, VIDEO, AccessPolicy, Log
from avatar.live.connection import Socket, converse
from avatar.live.protocol import LARGEST, ConnectionLimit, Refused, hello, refusal
from avatar.live.session import Session
from avatar.live.speaker import Speaker
from avatar.live.workers import Remote, Workers
from common.errors import InputError

HASTY = 5.0
"""Seconds for a client's request, with the handshake of TLS."""
PATIENT = 120.0
"""Seconds for receiving the page."""
CLOSING = 2.0
"""Seconds for closing a connection."""
SPARE_CONNECTIONS = 100
"""Open connections besides those of sessions, at most."""
PER_ADDRESS = 20
"""The same from one address."""


@dataclass
class SessionSlots:
    """How many sessions there are, and may be."""

    most: int
    taken: int = 0


@dataclass(frozen=True)
class Calls:
    page: bytes
    answer: Callable[[Socket, Remote], Awaitable[None]]


class Guarded(ServerConnection):
    """A connection that is cut where there are too many, or where no request comes in time."""

    limit: ConnectionLimit
    tls: ssl.SSLContext | None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._address = transport.get_extra_info("peername")[0]
        self._late = self.loop.call_later(HASTY, self._cut)
        if not self.limit.enter(self._address):
            self.transport.abort()
        elif self.tls is not None:
            self.transport.pause_reading()  # until TLS is what reads
            self._secured = self.loop.create_task(self._secure(self.tls))

    async def _secure(self, tls: ssl.SSLContext) -> None:
        """Start TLS."""
        try:
            secured = await self.loop.start_tls(self.transport, self, tls, server_side=True)
        except OSError:
            secured = None
        if secured is not None:
            Connection.connection_made(self, secured)
        elif not self.connection_lost_waiter.done():
            self.connection_lost(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.connection_lost_waiter.done():
            self.limit.leave(self._address)
            self._late.cancel()
            super().connection_lost(exc)

    def _cut(self) -> None:
        if self.request is None:
            self.transport.abort()


@asynccontextmanager
async def live_server(
    page: bytes,
    speaker: Speaker,
    workers: Workers,
    policy: AccessPolicy,
    port: int,
    sessions: int,
    tls: ssl.SSLContext | None = None,
    log: Log | None = None,
    calls: Calls | None = None,
) -> AsyncIterator[int]:
    """Serve while the block runs; the port. port: 0 takes any that is free.

    Raises InputError where the port or the address cannot be used.
    """
    assert policy.calls == (calls is not None)
    slots, greeting = SessionSlots(sessions), greeting_of(speaker)
    pages = {PAGE: page} | ({VIDEO: calls.page} if calls else {})

    def answer(path: str) -> Response:
        return response(200, "text/html", pages[path.partition("?")[0]])

    async def handle(socket: ServerConnection) -> None:
        await serve_session(socket, greeting, workers, slots, calls)

    async with web_server(answer, handle, policy, port, sessions, tls, log) as at:
        yield at


async def host_page(page: bytes, port: int, tell: Callable[[str], None]) -> None:
    """Serve a page without sessions to this machine until cancelled; `tell` is called with its
    address. Raises InputError where the port cannot be used."""

    async def handle(socket: ServerConnection) -> None:
        raise Refused("this page has no sessions", CloseCode.POLICY_VIOLATION)

    policy = AccessPolicy(HOST)
    async with web_server(
        lambda path: response(200, "text/html", page), handle, policy, port, sessions=0
    ) as at:
        tell(policy.address(at))
        await asyncio.Event().wait()


def greeting_of(speaker: Speaker) -> str:
    """The first message of a session."""
    session = Session(speaker)
    latencies = session.latency, session.listening_latency
    return hello(speaker.model.fps, speaker.names, *latencies)


@asynccontextmanager
async def web_server(
    answer: Callable[[str], Response],
    handle: Callable[[ServerConnection], Awaitable[None]],
    policy: AccessPolicy,
    port: int,
    sessions: int,
    tls: ssl.SSLContext | None = None,
    log: Log | None = None,
) -> AsyncIterator[int]:
    """Serve what the policy admits while the block runs; the port. port: 0 takes any that is free.

    answer: of a path with its query; handle: talks over a socket, and may raise Refused. Raises
    InputError where the port or the address cannot be used.
    """
    log = log or Log()
    limit = ConnectionLimit(
        SPARE_CONNECTIONS + sessions, None if policy.origins else PER_ADDRESS + sessions
    )
    connection = type("Guarded", (Guarded,), {"limit": limit, "tls": tls})
    quiet = logging.getLogger("avatar.live.server")
    quiet.setLevel(logging.CRITICAL)
    try:
        server = await serve(
            _handler(handle, log),
            policy.host,
            port,
            process_request=_request_filter(policy, answer, log),
            create_connection=connection,
            compression=None,
            max_size=LARGEST,
            max_queue=8,
            open_timeout=PATIENT,
            close_timeout=PATIENT,
            server_header=None,
            logger=quiet,
        )
    except OSError as error:
        raise InputError(
            f"--host {policy.host} --port {port}: cannot be used ({error.strerror}); choose another"
        ) from None
    try:
        yield next(iter(server.sockets)).getsockname()[1]
    finally:
        server.close(reason="the server is stopped")
        with suppress(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), CLOSING)
        log.tell_rest()


def _request_filter(
    policy: AccessPolicy, answer: Callable[[str], Response], log: Log
) -> Callable[[ServerConnection, Request], Response | None]:
    """Answers all requests except those that open a socket."""

    def filtered(connection: ServerConnection, request: Request) -> Response | None:
        headers = {name.lower(): value for name, value in request.headers.raw_items()}
        denied = policy.ask(request.method, request.path, headers)
        if denied is not None:
            log.refused(denied.sentence)
            return response(denied.status, "text/plain", f"{denied.sentence}.\n".encode())
        return None if request.path.partition("?")[0] in SOCKETS else answer(request.path)

    return filtered


def response(status: int, kind: str, body: bytes, framed: bool = False) -> Response:
    """An answer over HTTP; framed: pages of this server may show it within them."""
    headers = Headers(
        {
            "Content-Type": f"{kind}; charset=utf-8" if kind.startswith("text/") else kind,
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "SAMEORIGIN" if framed else "DENY",
            "Connection": "close",
        }
    )
    return Response(status, HTTPStatus(status).phrase, headers, body)


def _handler(
    handle: Callable[[ServerConnection], Awaitable[None]], log: Log
) -> Callable[[ServerConnection], Awaitable[None]]:
    async def handled(socket: ServerConnection) -> None:
        try:
            await handle(socket)
        except Refused as refused:
            log.refused(refused.sentence)
            await _send_away(socket, refused)
        except ConnectionClosed as closed:
            if closed.sent and closed.sent.code not in (1000, 1001, 1005):
                long = closed.sent.code == CloseCode.MESSAGE_TOO_BIG
                log.refused("a message that is " + ("too long" if long else "no WebSocket's"))

    return handled


async def serve_session(
    socket: ServerConnection,
    greeting: str,
    workers: Workers,
    slots: SessionSlots,
    calls: Calls | None = None,
) -> None:
    """A session for a client, if one is free."""
    if slots.taken >= slots.most:
        raise Refused(f"all {slots.most} sessions are taken; try again later", 1013)
    session = workers.session()
    slots.taken += 1
    try:
        if calls and socket.request and socket.request.path.partition("?")[0] == CALL:
            await calls.answer(socket, session)
        else:
            await socket.send(greeting)
            await converse(socket, session)
    finally:
        slots.taken -= 1
        with suppress(Refused):
            await session.close()


async def _send_away(socket: ServerConnection, refused: Refused) -> None:
    """Send the reason and close; a client that does not react is cut off."""
    try:
        async with asyncio.timeout(CLOSING):
            await socket.send(refusal(refused.sentence))
            await socket.close(refused.code, refused.sentence[:120])
    except (TimeoutError, ConnectionClosed):
        socket.transport.abort()
