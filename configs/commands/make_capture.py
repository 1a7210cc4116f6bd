"""Render a synthetic capture with known truth."""

from avatar.synthetic.capture import CaptureOptions, make_capture


def main(options: CaptureOptions) -> None:
    made = make_capture(options)
    print(
        f"wrote {options.out}: {made.pictures} pictures ({made.drawn} drawn now), "
        f"{made.megabytes:.0f} MB"
    )
