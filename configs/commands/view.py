"""Show an avatar in the browser, or write the page that does."""

import sys
import threading

from avatar.drive.options import ViewOptions
from avatar.drive.view import view_page
from avatar.page.serve import open_browser, served
from common.atomic import write_beside
from common.threads import use_threads


def main(options: ViewOptions) -> None:
    use_threads(options.threads)
    page = view_page(options)
    if options.export:
        with write_beside(options.export) as partial:
            partial.write_bytes(page)
        print(f"wrote {options.export}: {len(page) / 1e6:.1f} MB, one file that needs no other")
        return
    with served(page, options.port) as address:
        print(f"the page is at {address}; Ctrl-C ends it", flush=True)
        if not options.no_browser and not open_browser(address):
            print("no browser could be opened; open the address yourself", file=sys.stderr)
        threading.Event().wait()
