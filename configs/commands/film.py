"""Make films, and what is shown or exported in their place. Each verb imports what it needs."""

import asyncio
import signal
import sys
import time
import webbrowser
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from avatar.avatar_io.options import ConvertOptions
from avatar.batch.options import BatchOptions
from avatar.drive.options import DriveOptions, ExportOptions, ReplayOptions, ViewOptions
from avatar.live.options import ServeOptions
from avatar.studio.options import StudioOptions
from avatar.trust.options import VerifyOptions
from common.assets import DEMO_AVATAR, DEMO_VOICE
from common.atomic import write_beside
from common.threads import use_threads
from configs.options import DemoOptions

SOME_FAILED = 1
CHANGED = 1
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def make_demo(options: DemoOptions) -> None:
    make_film(
        DriveOptions(avatar=DEMO_AVATAR, audio=DEMO_VOICE, out=options.out, threads=options.threads)
    )
    print(f"your own: voicesplat drive {DEMO_AVATAR} YOUR_VOICE.mp3")


def make_film(options: DriveOptions) -> None:
    from avatar.drive.drive import drive
    from avatar.drive.report import write_report

    report = drive(options)
    if options.report:
        write_report(options.report, report)
    sound = (
        f"{report.audio_seconds:.2f} s of sound" if options.audio or options.listen else "no sound"
    )
    print(
        f"wrote {report.output}: {report.frames} frames, {sound}, "
        f"in {report.wall_seconds:.1f} s ({report.steady_fps:.1f} fps)"
    )


def make_batch(options: BatchOptions) -> None:
    from avatar.batch.run import run_batch

    started = time.monotonic()
    done = run_batch(options)
    print(
        f"wrote {done.manifest}: {done.made} made, {done.there} there before, {done.failed} failed "
        f"in {time.monotonic() - started:.1f} s"
    )
    if done.failed:
        sys.exit(SOME_FAILED)


def replay_motion(options: ReplayOptions) -> None:
    from avatar.drive.render import replay

    use_threads(options.threads)
    film = replay(options)
    print(f"wrote {options.out}: {film.frames} frames at {film.fps:g} fps")


def export_motion(options: ExportOptions) -> None:
    from avatar.drive.export import export, export_gaussians
    from avatar.drive.export_plan import holds_gaussians

    use_threads(options.threads)
    write = export_gaussians if holds_gaussians(options) else export
    print(f"wrote {options.out}: {write(options)}")


def convert_avatar(options: ConvertOptions) -> None:
    from avatar.avatar_io.open_avatar import convert
    from avatar.heads.head import ANY_MESH
    from avatar.trust.consent import consent_of

    use_threads(options.threads)
    avatar = convert(options, None if options.consent is None else consent_of(options.consent))
    kind = "mesh" if avatar.topology == ANY_MESH else f"{avatar.topology} mesh"
    print(
        f"wrote {options.out}: {len(avatar.binding):,} Gaussians on a {kind} of "
        f"{len(avatar.faces):,} triangles"
    )


def verify_file(options: VerifyOptions) -> None:
    from avatar.trust.verify import verify

    found = verify(options.file, options.trust)
    print("\n".join(found.sentences))
    if found.changed:
        sys.exit(CHANGED)


def view_avatar(options: ViewOptions) -> None:
    from avatar.drive.view import view_page
    from avatar.live.server import host_page
    from avatar.trust.manifest import seal_of, sign_output

    use_threads(options.threads)
    seal = seal_of(options) if options.export else None
    page = view_page(options)
    if options.export:
        with write_beside(options.export) as partial:
            partial.write_bytes(page)
        sign_output(options.export, seal)
        print(f"wrote {options.export}: {len(page) / 1e6:.1f} MB, one file that needs no other")
        return
    _serve(host_page(page, options.port, lambda place: _tell(place, options.no_browser)))


def serve_avatar(options: ServeOptions) -> None:
    from avatar.live.host import host

    use_threads(options.threads)
    _serve(host(options, lambda place: _tell(place, options.no_browser)))


def open_studio(options: StudioOptions) -> None:
    from avatar.studio.host import host_studio

    use_threads(options.threads)

    def tell(address: str, folder: Path) -> None:
        _tell(address, options.no_browser)
        print(
            f"what it makes lies in {folder}; without the page: voicesplat demo, make-avatar, "
            "drive, serve (voicesplat --help)"
        )

    _serve(host_studio(options, tell))


def _serve(work: Coroutine[Any, Any, None]) -> None:
    """Serve until a signal comes, which then ends the process as it would have."""
    former = {number: signal.getsignal(number) for number in ENDING}
    number = asyncio.run(_until_stopped(work))
    stop = former[number]
    assert callable(stop)
    stop(number, None)


async def _until_stopped(work: Coroutine[Any, Any, None]) -> signal.Signals:
    """Serve; the signal that ended it. Between two steps, so that everything is closed."""
    stopped: asyncio.Future[signal.Signals] = asyncio.get_running_loop().create_future()
    for number in ENDING:
        asyncio.get_running_loop().add_signal_handler(number, _settle, stopped, number)
    serving = asyncio.create_task(work)
    await asyncio.wait([serving, stopped], return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        serving.result()
    serving.cancel()
    await asyncio.wait([serving])
    return stopped.result()


def _settle(stopped: "asyncio.Future[signal.Signals]", number: signal.Signals) -> None:
    if not stopped.done():
        stopped.set_result(number)


def _tell(address: str, no_browser: bool) -> None:
    print(f"the page is at {address}; Ctrl-C ends it", flush=True)
    opened = no_browser
    with suppress(webbrowser.Error):
        opened = opened or webbrowser.open(address)
    if not opened:
        print("no browser could be opened; open the address yourself", file=sys.stderr)
