"""Track a face through a film."""

from avatar.tracking.options import TrackOptions
from avatar.tracking.track import track


def main(options: TrackOptions) -> None:
    found = track(options)
    low, high = found.yaw
    print(
        f"wrote {options.out}: {found.frames} frames, the head turned from {low:.0f} to {high:.0f} "
        f"degrees, focal length {found.focal:.2f} picture widths"
    )
    if found.lost or found.shots > 1:
        print(
            f"the film has {found.shots} shots, of which the longest was taken; the face was lost "
            f"in {found.lost} of its frames"
        )
