"""The studio: its page, its jobs, and the avatar that is shown and speaks."""

import asyncio
import json
import mimetypes
import os
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Response

from avatar.live.access_policy import AVATAR, HOST, PAGE, STUDIO, AccessPolicy
from avatar.live.host import SECRET, Hosted, open_hosted, plan_serve
from avatar.live.options import ServeOptions
from avatar.live.protocol import Refused
from avatar.live.server import SessionSlots, greeting_of, response, serve_session, web_server
from avatar.page.build import studio_page
from avatar.studio.folder import SUFFIXES, Folder, Upload, begin_upload
from avatar.studio.jobs import (
    COMMAND,
    Job,
    Queue,
    make_avatar,
    make_film,
    number,
    read_request,
    text,
)
from avatar.studio.options import StudioOptions
from avatar.trust.signer import CERT, KEY, signer_of
from avatar.trust.verify import verify
from common.errors import InputError, mendable

NAMED = "VoiceSplat"
SESSIONS = 4
OFTEN = 0.15
"""Seconds between two messages of the state."""
Opener = Callable[[Path], Hosted]


def open_for_stage(path: Path) -> Hosted:
    """An avatar with which sessions can begin, computed by one process."""
    return open_hosted(plan_serve(ServeOptions(avatar=path)), 1)


@dataclass
class Stage:
    """The avatar that is shown, and the one that shall be."""

    hosted: Hosted | None = None
    greeting: str = ""
    name: str = ""
    version: int = 0
    wanted: str = ""
    sentence: str = ""  # why the last one could not be shown


class Studio:
    """What all tabs see. Whoever closes one loses nothing."""

    def __init__(
        self,
        folder: Folder,
        more: list[str],
        opener: Opener,
        command: Sequence[str],
    ) -> None:
        """more: options of every job."""
        self._folder, self._more, self._opener = folder, more, opener
        self._queue = Queue(folder.path, self._job_changed, command)
        self._stage, self._slots = Stage(), SessionSlots(SESSIONS)
        self._tabs: set[ServerConnection] = set()
        self._news, self._call = asyncio.Event(), asyncio.Event()
        self._page = studio_page()
        self._show(folder.listing()["avatars"][0])

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for work in (self._queue.run(), self._open_avatars(), self._tell_news()):
                    tasks.create_task(work)
        finally:
            if self._stage.hosted:
                self._stage.hosted.workers.stop()

    def answer(self, path: str) -> Response:
        """The page, the avatar's page within it, or a file of the folder."""
        parts = urlsplit(path)
        if parts.path == PAGE:
            return response(200, "text/html", self._page)
        if parts.path == AVATAR and self._stage.hosted:
            return response(200, "text/html", self._stage.hosted.page, framed=True)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        try:
            file = self._folder.file(asked.get("kind", ""), asked.get("name", ""))
            kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            return response(200, kind, file.read_bytes())
        except (InputError, OSError):
            return response(404, "text/plain", b"There is no such file.\n")

    async def handle(self, socket: ServerConnection) -> None:
        """A tab of the page, or a session with the avatar. Raises Refused."""
        assert socket.request
        if urlsplit(socket.request.path).path == STUDIO:
            await self._talk(socket)
        elif hosted := self._stage.hosted:
            await serve_session(socket, self._stage.greeting, hosted.workers, self._slots)
        else:
            raise Refused("the avatar is not ready yet; try again in a moment", 1013)

    async def _talk(self, socket: ServerConnection) -> None:
        upload: Upload | None = None
        self._tabs.add(socket)
        try:
            await socket.send(self._told())
            async for message in socket:
                try:
                    upload = await self._answer(socket, message, upload)
                except (InputError, OSError, OverflowError) as error:
                    if upload:
                        upload.drop()
                    upload = None
                    said = mendable(error) or str(error)
                    await socket.send(json.dumps({"type": "wrong", "sentence": said}))
        finally:
            self._tabs.discard(socket)
            if upload:
                upload.drop()

    async def _answer(
        self, socket: ServerConnection, message: str | bytes, upload: Upload | None
    ) -> Upload | None:
        """Do what a message asks; the upload that goes on."""
        if isinstance(message, bytes):
            if upload is None or not upload.take(message):
                return upload  # what follows a refused file is nobody's
            path = await asyncio.to_thread(upload.finish)
            done = {"type": "uploaded", "use": upload.use, "kind": path.parent.name}
            await socket.send(json.dumps(done | {"name": path.name}))
            self._news.set()
            return None
        request = read_request(message)
        match request["type"]:
            case "upload" if (use := request.get("use")) in SUFFIXES and upload is None:
                return begin_upload(
                    self._folder, text(request, "name"), number(request, "size"), use
                )
            case "make":
                make_avatar(self._queue, self._folder, request, self._more)
            case "film":
                make_film(self._queue, self._folder, request, self._more)
            case "stop":
                self._queue.stop(number(request, "job"))
            case "show":
                self._show(text(request, "avatar"))
            case _:
                raise Refused("the type must be upload, make, film, stop or show", 1008)
        return upload

    def _told(self) -> str:
        """The whole state."""
        stage = self._stage
        return json.dumps(
            {
                "type": "state",
                "folder": str(self._folder.path),
                "files": self._folder.listing(),
                "jobs": [job.told() for job in self._queue.jobs],
                "avatar": stage.name,
                "version": stage.version,
                "opening": stage.wanted,
                "sentence": stage.sentence,
            }
        )

    async def _tell_news(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            told = self._told()
            for tab in tuple(self._tabs):
                with suppress(ConnectionClosed):
                    await tab.send(told)
            await asyncio.sleep(OFTEN)

    def _job_changed(self, job: Job) -> None:
        self._news.set()
        if job.state == "done" and job.out.parent.name == "avatars":
            self._show(job.out.name)
        elif job.state == "done":
            with suppress(InputError, OSError):
                job.remarks.clear()
                job.remarks.extend(verify(job.out).sentences[1:])

    def _show(self, name: str) -> None:
        """Open an avatar of the folder; the latest wish counts."""
        self._folder.file("avatars", name)
        self._stage.wanted = name
        self._call.set()
        self._news.set()

    async def _open_avatars(self) -> None:
        while True:
            await self._call.wait()
            self._call.clear()
            name, stage = self._stage.wanted, self._stage
            try:
                path = self._folder.file("avatars", name)
                hosted = await asyncio.to_thread(self._opener, path)
            except Exception as error:  # a file may come from anywhere
                said = mendable(error) or f"a mistake in VoiceSplat ({error!r})"
                stage.sentence = f"{name} cannot be shown: {said}"
            else:
                former, stage.hosted = stage.hosted, hosted
                stage.greeting, stage.name = greeting_of(hosted.speaker), name
                stage.version, stage.sentence = stage.version + 1, ""
                self._news.set()
                with suppress(Refused):
                    await hosted.workers.ready()
                if former:
                    await asyncio.to_thread(former.workers.stop)
            if stage.wanted == name:
                stage.wanted = ""
            self._news.set()


async def host_studio(
    options: StudioOptions,
    tell: Callable[[str, Path], None],
    opener: Opener = open_for_stage,
    command: Sequence[str] = COMMAND,
) -> None:
    """Serve until cancelled; `tell` is called with the page's address and the folder. Raises
    InputError or OSError with one sentence.

    opener: of an avatar that is to be shown; command: that runs a verb.
    """
    if not 0 <= options.port <= 65535:
        raise InputError(f"--port {options.port}: must be from 0 to 65535")
    signer_of(options.sign)  # says at once what cannot sign
    folder = Folder((options.folder or Path.home() / NAMED).resolve())
    folder.prepare()
    given = options.sign or tuple(filter(None, map(os.environ.get, (CERT, KEY))))
    more = ["--sign", *_resolved(given)] if given else []
    more += [f"--threads={options.threads}"] if options.threads else []
    studio = Studio(folder, more, opener, command)
    policy = AccessPolicy(HOST, secrets.token_urlsafe(SECRET), studio=True)
    parts = studio.answer, studio.handle, policy, options.port, SESSIONS
    async with web_server(*parts) as port:
        tell(policy.address(port), folder.path)
        await studio.run()


def _resolved(sign: tuple[str, ...]) -> list[str]:
    """The files of a certificate and its key, wherever a job runs."""
    return [str(Path(word).resolve()) if Path(word).exists() else word for word in sign]
