"""Places on the web: addresses with a query name one file, by whose content it is known."""

from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from avatar.batch.jobs import planned
from avatar.batch.options import BatchOptions
from common.uris import fetched, find, fingerprint, kept_copy

pytest.importorskip("aiohttp", reason="fsspec reaches web addresses with it")
QUERY = "?X-Amz-Credential=AK/2026/s3&X-Amz-Signature=0f*"


class Signed(BaseHTTPRequestHandler):
    """A file for whoever asks with the query; as a signature does, it allows GET alone."""

    content, headers_of_it = b"first", {"ETag": '"1"'}

    def do_GET(self) -> None:
        self.send_response(200 if "Signature" in self.path else 403)
        for name, value in self.headers_of_it.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(Signed, "content", b"first")
    with ThreadingHTTPServer(("127.0.0.1", 0), Signed) as server:
        Thread(target=partial(server.serve_forever, 0.01), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_an_address_with_a_query_names_one_file(site: str):
    uri = f"{site}/lines/a.wav{QUERY}"
    (found,) = find(uri, (".wav",))
    assert found == (uri, "a.wav", 5)
    with fetched(uri) as path:
        assert path.name == "a.wav" and path.read_bytes() == b"first"
    assert kept_copy(f"{site}/cast/ann.glb{QUERY}", "avatars").name == "ann.glb"


def test_jobs_of_addresses_are_called_by_their_files(site: str, tmp_path: Path):
    avatar, audio = f"{site}/ann.ply{QUERY}", f"{site}/a.wav{QUERY}"
    options = BatchOptions(avatars=(avatar,), audio=(audio,), out=str(tmp_path))
    (job,) = planned(options, 1)
    assert (job.name, job.avatar, job.audio) == ("a_ann", avatar, audio)
    (tmp_path / "films.csv").write_text(f"avatar,audio\n{avatar},{audio}\n")
    (job,) = planned(BatchOptions(table=str(tmp_path / "films.csv"), out=str(tmp_path)), 1)
    assert (job.name, job.avatar, job.audio) == ("a_ann", avatar, audio)


@pytest.mark.parametrize("name", ["ETag", "Last-Modified", "none"])
def test_what_changed_at_an_address_is_another_file(
    site: str, name: str, monkeypatch: pytest.MonkeyPatch
):
    """.. and one that is signed anew is the same."""
    monkeypatch.setattr(Signed, "headers_of_it", {name: "1"})
    before = fingerprint(f"{site}/a.wav{QUERY}")
    assert fingerprint(f"{site}/a.wav{QUERY}2") == before
    monkeypatch.setattr(Signed, "headers_of_it", {name: "2"})
    monkeypatch.setattr(Signed, "content", b"other")
    assert fingerprint(f"{site}/a.wav{QUERY}") != before
