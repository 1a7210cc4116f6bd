"""The page as a file, and as it is served: whole, and closed to all others."""

import asyncio
import json
import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from shown_pages import served
from support import ROOT

from avatar.drive.retarget import avatar_face
from avatar.live.server import host_page
from avatar.page.build import COMMON, RECORDED, SPOKEN, build_page
from avatar.rigging.avatar import Avatar
from common.errors import InputError


@pytest.fixture(scope="module")
def page(small_avatar: Avatar) -> str:
    face = avatar_face(Path("subject.ply"), small_avatar)
    target = small_avatar.vertices.mean(0).tolist()
    framing = {"target": target, "distance": 1.2, "extent": 0.4}
    emotions = {"</script><b>": {"jawOpen": 0.5}}
    return build_page("</title><i>A & B", small_avatar, face.head, framing, emotions).decode()


def test_the_page_is_whole_and_loads_nothing(page: str):
    assert "{{" not in page and not re.search(r"^(import|export) ", page, re.MULTILINE)
    without_data = re.sub(r'id="arrays".*?</script>', "", page, flags=re.DOTALL)
    assert not re.search(r"(https?:)?//[a-z0-9-]+\.[a-z]", without_data)
    assert "default-src 'none'" in page and "connect-src" not in page


def test_no_name_breaks_out_of_its_place(page: str):
    assert "<i>A" not in page and "<b>" not in page.replace("<b>${", "")
    assert "<title>&lt;/title&gt;&lt;i&gt;A &amp; B</title>" in page
    facts = re.search(r'<script id="facts" type="application/json">(.*?)</script>', page)
    assert facts is not None
    told = json.loads(facts[1])
    assert list(told["emotions"]) == ["</script><b>"] and len(told["units"]) >= 52


@pytest.mark.parametrize("parts", [RECORDED, SPOKEN])
def test_the_parts_of_a_script_share_no_name(parts: tuple[str, ...]):
    """They become one module."""
    folder = ROOT / "avatar" / "page" / "web"
    said = "\n".join((folder / f"{name}.js").read_text() for name in (*COMMON, *parts, "main"))
    lines = re.findall(r"^(?:export )?(?:async )?(?:class|function|const|let) (.+)", said, re.M)
    names = [n for line in lines for n in re.findall(r"(?:^|, )(\w+)(?= =| \{|\(| extends)", line)]
    assert len(names) > 60 and sorted(set(names)) == sorted(names)


def fetch(address: str, host: str | None = None) -> tuple[int, str]:
    request = urllib.request.Request(address, headers={"Host": host} if host else {})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


def test_only_the_page_is_served_and_only_to_this_machine():
    with served(b"<p>hello") as address:
        assert address.startswith("http://127.0.0.1:")
        assert fetch(address) == fetch(f"{address}?x=1") == (200, "<p>hello")
        port = address.rstrip("/").rpartition(":")[2]
        for host in (f"localhost:{port}", "localhost", "127.0.0.1"):  # of port 80 none is said
            assert fetch(address, host)[0] == 200
        assert fetch(address, "evil.example")[0] == fetch(address, f"evil.example:{port}")[0] == 403
        assert fetch(f"{address}etc/passwd")[0] == fetch(f"{address}../x")[0] == 404
    with pytest.raises(urllib.error.URLError):
        fetch(address)


def test_a_port_that_is_taken_is_named():
    with served(b"one") as address:
        port = int(address.rstrip("/").rpartition(":")[2])
        with pytest.raises(InputError, match=f"--port {port}: .*choose another"):
            asyncio.run(host_page(b"", port, print))
