"""A page on localhost, for the browser on this machine."""

import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from common.errors import InputError

HOST = "127.0.0.1"


@contextmanager
def served(page: bytes, port: int = 0) -> Iterator[str]:
    """Serve a page while the block runs; its address. port: 0 takes any that is free.

    Only names of this machine are answered, so that no other site's script can read the page under
    a name of its own. Raises InputError where the port is taken.
    """
    try:
        server = ThreadingHTTPServer((HOST, port), _handler(page))
    except OSError as error:
        raise InputError(
            f"--port {port}: cannot be used ({error.strerror}); choose another"
        ) from None
    server.daemon_threads = True
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True
    )
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def open_browser(address: str) -> bool:
    """Open the user's browser, if there is one."""
    try:
        return webbrowser.open(address)
    except webbrowser.Error:
        return False


def _handler(page: bytes) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.headers.get("Host", "").partition(":")[0]
            if name not in (HOST, "localhost"):
                self.send_error(403, "This page is served to this machine alone")
            elif self.path.partition("?")[0] != "/":
                self.send_error(404)
            else:
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(page)))
                self.send_header("Cache-Control", "no-store")
                self.send_header("X-Content-Type-Options", "nosniff")
                self.end_headers()
                self.wfile.write(page)

        def log_message(self, format: str, *args: object) -> None:
            """No log of requests."""

    return Handler
