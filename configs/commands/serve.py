"""Serve an avatar that speaks with whoever speaks into its page."""

import asyncio
import sys

from avatar.live.host import host
from avatar.live.options import ServeOptions
from avatar.page.serve import open_browser
from common.threads import use_threads


def main(options: ServeOptions) -> None:
    use_threads(options.threads)

    def tell(address: str) -> None:
        print(f"the page is at {address}; Ctrl-C ends it", flush=True)
        if not options.no_browser and not open_browser(address):
            print("no browser could be opened; open the address yourself", file=sys.stderr)

    asyncio.run(host(options, tell))
