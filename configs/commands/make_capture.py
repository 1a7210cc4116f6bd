"""Render a synthetic capture with known truth."""

from avatar.synthetic.capture import CaptureOptions, make_capture
from avatar.synthetic.film.make import make_film


def main(options: CaptureOptions) -> None:
    made = make_film(options) if options.film else make_capture(options)
    print(
        f"wrote {options.out}: {made.pictures} pictures ({made.drawn} drawn now), "
        f"{made.megabytes:.0f} MB"
    )
