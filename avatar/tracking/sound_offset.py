"""The sound of a tracked film, in step with the lips."""

from dataclasses import dataclass
from pathlib import Path

from avatar.avatar_io.take_poses import sample_take
from avatar.lipreading.sound_delay import lips_delay
from avatar.tracking.options import Sync
from avatar.tracking.result import Tracking, take_of
from avatar.video.reader import film_info
from avatar.video.sound import Sound

SLIGHT = 0.04  # seconds: nobody sees so short a delay


@dataclass(frozen=True)
class TrackedSound:
    """What is heard with the tracked frames, and what was found of it."""

    sound: Sound | None
    words: str


def tracked_sound(film: Path, tracking: Tracking, sync: Sync) -> TrackedSound:
    """The sound of a film from the first tracked frame on.

    sync: milliseconds by which it is moved, later where more than 0; auto: as the lips ask for,
    where they surely do.
    """
    sound_begin = film_info(film).sound_begin
    if sound_begin is None:
        return TrackedSound(None, "no sound")
    sound = Sound(film, float(tracking.frames[0]) / tracking.fps - sound_begin)
    if sync != "auto":
        return TrackedSound(_moved(sound, sync / 1000), f"sound moved by {sync:g} ms")
    found = lips_delay(sample_take(take_of(tracking), tracking.fps)[0], tracking.fps, sound)
    if found is None or not found.sure:
        return TrackedSound(
            sound, "sound left as it is: the lips do not tell whether it is late; --sync moves it"
        )
    if abs(found.seconds) < SLIGHT:
        return TrackedSound(sound, "sound in step with the lips")
    late = "behind" if found.seconds < 0 else "ahead of"
    by = f"{1000 * abs(found.seconds):.0f} ms"
    repaired = f"sound {by} {late} the picture: repaired (--sync {1000 * found.seconds:.0f})"
    return TrackedSound(_moved(sound, found.seconds), repaired)


def _moved(sound: Sound, seconds: float) -> Sound:
    """The same sound, heard later."""
    return Sound(sound.path, sound.begin - seconds)
