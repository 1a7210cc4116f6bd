"""The studio as a newcomer uses it, in a headless Chromium."""

import asyncio
import base64
import json
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import imageio.v3 as imageio
import numpy as np
import pytest
from chromium import Tab, chromium, microphone, tab
from live_servers import last_words
from shown_pages import DEMO, studio_command
from support import ROOT
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from avatar.avatar_io.open_avatar import read_facts
from avatar.live.host import Hosted
from avatar.studio.host import host_studio
from avatar.studio.options import StudioOptions
from avatar.video.reader import film_info

PHOTO = ROOT / "tests" / "avatar" / "vision" / "data" / "woman.png"
MADE_UP = ROOT / "tests" / "data" / "made_up_person.jpg"
"""Nobody: a person of avatar.people.sampler, of seed 4, drawn from the front."""
STAGE = b"""<body data-state="ready"><p id="stage"><script>window.viewer = {
  clock: { state: 'idle', play(file) { this.said = file.name; this.state = 'playing'; },
           stop() { this.state = 'idle'; } },
  facts: { emotions: {}, units: [] }, face: {}, look: {}, show() {}, refresh() {} };</script>"""
CLI = """
import shutil, sys, time
from pathlib import Path
verb, words = sys.argv[3], sys.argv[4:]
print("progress: pretending 1/4", file=sys.stderr, flush=True)
if "slow" in " ".join(words):
    time.sleep(60)
if "faceless" in " ".join(words):
    sys.exit("error: photos/faceless.png: no face was found in it; give another")
shutil.copy(sys.argv[1 if verb == "make-avatar" else 2], words[words.index("--out") + 1])
"""
"""What makes no avatars and no films, but puts given ones in their place."""


@contextmanager
def served(folder: Path, film: Path) -> Iterator[str]:
    """The address of a studio whose avatars are always the demo avatar, and never speak."""
    if chromium() is None:
        pytest.skip("there is no Chromium here (Debian: apt-get install chromium)")

    async def none() -> None: ...

    def opened(path: Path) -> Hosted:
        assert path.is_file()
        workers = SimpleNamespace(ready=none, stop=lambda: None)
        return cast(Hosted, SimpleNamespace(speaker=None, page=STAGE, workers=workers))

    addresses: list[str] = []
    loop = asyncio.new_event_loop()
    command = (sys.executable, "-c", CLI, str(DEMO), str(film))
    options = StudioOptions(folder=folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("avatar.studio.host.greeting_of", lambda speaker: "")
        work = host_studio(options, lambda place, _: addresses.append(place), opened, command)
        serving = loop.create_task(work)
        thread = threading.Thread(target=lambda: asyncio.set_event_loop(loop) or loop.run_forever())
        thread.start()
        try:
            while not addresses:
                time.sleep(0.01)
            yield addresses[0]
        finally:
            loop.call_soon_threadsafe(serving.cancel)
            while not serving.done():
                time.sleep(0.01)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()


def drop(opened: Tab, file: Path, where: str = "avatar", name: str | None = None) -> None:
    """Drop a file onto a step of the page."""
    data = base64.b64encode(file.read_bytes()).decode()
    opened.run(
        f"""(() => {{ const bytes = Uint8Array.from(atob('{data}'), (c) => c.charCodeAt(0));
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([bytes], '{name or file.name}'));
        const drop = new DragEvent('drop', {{ dataTransfer, bubbles: true }});
        document.querySelector('[data-use={where}]').dispatchEvent(drop); }})()"""
    )


def agree(opened: Tab) -> None:
    """Answer the question of consent."""
    opened.wait("document.getElementById('ask').open")
    opened.run("document.getElementById('makeIt').click()")
    assert opened.run("document.getElementById('ask').open"), "made without consent"
    opened.run("document.getElementById('who').value = 'Ada Example, made up'")
    opened.run("document.getElementById('until').value = '2099-12-31'")
    opened.run("document.getElementById('agreed').click()")
    opened.run("document.getElementById('makeIt').click()")


def click(opened: Tab, name: str) -> None:
    opened.run(f"document.getElementById('{name}').click()")


def downloaded(opened: Tab) -> bytes:
    """What the link of the newest film gives."""
    read = """(async () => { const link = document.querySelector('#films a[download]');
        const bytes = new Uint8Array(await (await fetch(link.href)).arrayBuffer());
        return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')); })()"""
    return base64.b64decode(opened.run(read))


SHOWN = "document.querySelector('#avatars [aria-pressed=true]')?.title"
VOICE = "document.querySelector('#voices [aria-pressed=true]')?.title"
PLAYS = "document.getElementById('frame').contentWindow?.viewer?.clock.state === 'playing'"
FAILED = "document.querySelector('.job.failed span')?.textContent"
WRONG = "document.getElementById('wrong').textContent"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    imageio.imwrite(path, np.zeros((3, 32, 32, 3), np.uint8), plugin="pyav", codec="libx264")
    return path


def test_a_newcomer_needs_nothing_but_the_page(tmp_path: Path, film: Path):
    """Photo, consent, play, film, download; what is refused is told, what runs can be stopped."""
    folder = tmp_path / "made"
    with served(folder, film) as address, tab(tmp_path / "browser") as opened:
        opened.size(390, 844, touch=True)
        opened.open(address)
        drop(opened, PHOTO)
        agree(opened)
        opened.wait(f"{SHOWN} === 'woman.ply'")
        consent = (folder / "photos" / "woman.png.consent.txt").read_text()
        assert consent.startswith("Ada Example, made up, ") and consent.endswith("until 2099-12-31")
        opened.wait("document.getElementById('frame').src.includes('version=2')")
        click(opened, "say")
        opened.wait(PLAYS)
        drop(opened, ROOT / "assets" / "demo_voice.flac", "voice", "mine.flac")
        opened.wait(f"{VOICE} === 'mine.flac'")
        click(opened, "render")
        opened.wait("document.querySelector('#films a[download]') !== null")
        assert downloaded(opened) == film.read_bytes()
        drop(opened, PHOTO, name="faceless.png")
        agree(opened)
        opened.wait(f"{FAILED}?.endsWith('no face was found in it; give another.')")
        drop(opened, ROOT / "README.md")
        opened.wait(f"{WRONG}.includes('README.md: is not a photo')")
        drop(opened, ROOT / "README.md", "voice", "words.mp3")
        opened.wait(f"{WRONG}.includes('words.mp3')")
        assert [path.name for path in (folder / "voices").iterdir()] == ["mine.flac"]
        drop(opened, PHOTO, name="slow.png")
        agree(opened)
        opened.wait("document.querySelector('.job.running progress')?.value === 0.25")
        click(opened, "render")
        opened.wait("document.querySelector('.job.waiting')?.textContent.includes('Waits for')")
        opened.open(address)  # nothing is lost with a tab
        opened.wait("document.querySelectorAll('.job.running, .job.waiting').length === 2")
        opened.run("document.querySelector('.job.running button').click()")
        opened.wait("document.querySelectorAll('figure').length === 2")
        assert not (folder / "avatars" / "slow.ply").exists()
        assert opened.said == []
        assert all(
            r.startswith((address[:20], "ws://127", "blob:", "data:", "about:"))
            for r in opened.requests
        )


def test_only_the_page_itself_is_answered(tmp_path: Path, film: Path):
    with served(tmp_path / "made", film) as address:
        host, _, token = address.removeprefix("http://").partition("/?")
        socket = f"ws://{host}/studio?{token}"

        async def told(*messages: str | bytes, **more: Any) -> tuple[str, int | None]:
            client = await connect(socket, compression=None, **more)
            await client.recv()
            for message in messages:
                await client.send(message)
            return await last_words(client)

        for address, origin in ((socket, "http://evil.example"), (f"ws://{host}/studio", None)):
            with pytest.raises(InvalidStatus):
                asyncio.run(connect(address, origin=cast(Any, origin)).__aenter__())
        for message in ("nonsense", "[]", '{"type": "run"}', '{"type": "film", "avatar": 3}'):
            assert asyncio.run(told(message))[1] == 1008
        outside = {"type": "make", "photo": "../../etc/passwd", "consent": "A, to films"}
        assert asyncio.run(sentence_of(socket, outside)).startswith("../../etc/passwd: is not")
        nobody = {"type": "make", "photo": "woman.png", "consent": " "}
        shutil.copy(PHOTO, tmp_path / "made" / "photos" / "woman.png")
        assert asyncio.run(sentence_of(socket, nobody)).startswith("Say who agreed")


async def sentence_of(socket: str, request: dict[str, Any]) -> str:
    """What a tab is told that asks for something wrong."""
    async with connect(socket, compression=None) as client:
        await client.recv()
        await client.send(json.dumps(request))
        while (told := json.loads(await client.recv()))["type"] != "wrong":
            pass
        return told["sentence"]


@pytest.mark.soak
def test_from_the_command_to_ones_own_photo_talking(tmp_path: Path, voice: np.ndarray):
    """All of it real: a made-up person's photo, and an avatar that speaks, is filmed and signed."""
    if chromium() is None:
        pytest.skip("there is no Chromium here (Debian: apt-get install chromium)")
    folder, begun = tmp_path / "made", time.monotonic()
    sign, heard = ("--sign", "local"), microphone(tmp_path, voice)
    with (
        studio_command("--folder", str(folder), *sign) as address,
        tab(tmp_path / "b", *heard) as opened,
    ):
        opened.size(320, 480)
        opened.open(address)
        drop(opened, MADE_UP)
        agree(opened)
        opened.wait(f"{SHOWN} === 'made_up_person.ply'", 600)
        click(opened, "say")
        opened.wait(PLAYS, 120)
        print(f"talking after {time.monotonic() - begun:.0f} s")
        click(opened, "say")
        click(opened, "record")
        opened.wait("document.getElementById('record').textContent.includes('(3 s)')")
        click(opened, "record")
        opened.wait(f"{VOICE} === 'my voice.webm'")
        click(opened, "render")
        opened.wait("document.querySelector('#films a[download]') !== null", 300)
        path = tmp_path / "film.mp4"
        path.write_bytes(downloaded(opened))
        opened.wait("document.querySelector('figure details') !== null")
        told = opened.run("document.querySelector('figure details').textContent")
        assert "Consent: Ada Example, made up" in told and "not changed" in told
        assert opened.said == []
    assert 2 < film_info(path).seconds < 60
    assert read_facts(folder / "avatars" / "made_up_person.ply").consent.endswith("2099-12-31")
