"""Serve an avatar that speaks with whoever speaks into its page."""

import asyncio
import signal
import sys

from avatar.live.host import host
from avatar.live.options import ServeOptions
from avatar.page.serve import open_browser
from common.threads import use_threads

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(options: ServeOptions) -> None:
    use_threads(options.threads)
    former = {number: signal.getsignal(number) for number in ENDING}
    number = asyncio.run(_until_stopped(options))
    stop = former[number]
    assert callable(stop)
    stop(number, None)


async def _until_stopped(options: ServeOptions) -> signal.Signals:
    """Serve; the signal that ended it. Between two steps, so that everything is closed."""
    stopped: asyncio.Future[signal.Signals] = asyncio.get_running_loop().create_future()
    for number in ENDING:
        asyncio.get_running_loop().add_signal_handler(number, _settle, stopped, number)

    def tell(address: str) -> None:
        print(f"the page is at {address}; Ctrl-C ends it", flush=True)
        if not options.no_browser and not open_browser(address):
            print("no browser could be opened; open the address yourself", file=sys.stderr)

    serving = asyncio.create_task(host(options, tell))
    await asyncio.wait([serving, stopped], return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        serving.result()
    serving.cancel()
    await asyncio.wait([serving])
    return stopped.result()


def _settle(stopped: "asyncio.Future[signal.Signals]", number: signal.Signals) -> None:
    if not stopped.done():
        stopped.set_result(number)
