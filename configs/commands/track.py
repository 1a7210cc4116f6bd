"""Track a face through a film."""

from avatar.tracking.options import TrackOptions
from avatar.tracking.track import Tracked, track

SMALL = 80  # pixels across a face that shows little of a person


def main(options: TrackOptions) -> None:
    found = track(options)
    print(describe(found))
    print(f"wrote {options.out}")


def describe(found: Tracked) -> str:
    """What was found in a film, in a line."""
    low, high = found.yaw
    told = (
        f"{found.frames} frames, the head turned from {low:.0f} to {high:.0f} degrees, focal "
        f"length {found.focal:.2f} picture widths; {found.sound}"
    )
    if found.shots > 1:
        told += f"; the longest of {found.shots} shots was taken"
    if found.lost:
        told += f"; the face was lost in {found.lost} frames"
    if found.face < SMALL:
        told += (
            f"; the face is only {found.face:.0f} pixels wide, which tells little: film it nearer"
        )
    if found.drawn:
        told += "; the face looks drawn, so that little of this means much: film a person"
    return told
