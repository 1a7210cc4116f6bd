"""A page of the demo avatar that speaks, and a browser that shows it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import chromium, tab
from shown_pages import DEMO, LIGHTS, VOICE, Shown

from avatar.avatar_io.avatar_file import load_avatar
from avatar.drive.options import ViewOptions
from avatar.drive.retarget import avatar_face
from avatar.drive.view import view_page


@pytest.fixture(scope="session")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "demo.html"
    with pytest.MonkeyPatch.context() as patch:  # baking takes a minute
        patch.setattr("avatar.drive.view.light_colours", lambda *_: LIGHTS)
        path.write_bytes(view_page(ViewOptions(DEMO, audio=VOICE, lights=("golden-hour",))))
    return path


@pytest.fixture(scope="session")
def shown(page_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """The page, opened from the disk."""
    if chromium() is None:
        pytest.skip("there is no Chromium here (Debian: apt-get install chromium)")
    avatar = load_avatar(DEMO)
    with tab(tmp_path_factory.mktemp("browser")) as opened:
        opened.size(640, 480)
        opened.open(page_file.as_uri())
        yield Shown(opened, avatar, avatar_face(DEMO, avatar), page_file)
