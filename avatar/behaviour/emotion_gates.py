"""How much of a feeling the mouth may show while it speaks.

Where speech alone shuts the lips, holds the lower lip to the upper teeth or rounds the mouth, a
feeling must not undo it. How far it does is measured on the points of the avatar's own mesh, so the
gates hold on every topology; they follow from the speech of the same frame and close as fast as it
does.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from avatar.behaviour.emotion_mouth import Lines, Mouth, added

SHUT = 0.01  # of the mouth's width: a gap below is invisible
OPENED = 0.085  # of the mouth's width: the gap from which a feeling is free to open the mouth
ROOM = 0.25  # of the mouth's width, that a feeling may then add to the gap
OVERLAP = 0.008  # of the mouth's width, by which lips may press into each other
CONTACT, APART = 0.63, 0.9  # of rest's distance of lower lip and upper teeth: held there, and free
PARTED = 0.03  # of the mouth's width: the gap from which lips that meet teeth are not shut lips
TEETH_ROOM = 2.0  # of that distance, that a feeling may then add
ROUND, UNROUNDED, ROUNDEST = 0.95, 1.0, 0.945  # of the width at rest: rounded, free, kept below
WIDTH_ROOM = 0.4  # of the width at rest, that a feeling may then add
REOPENS = 6.0  # a second, at most: a gate opens more slowly than it closes


@dataclass(frozen=True)
class Spoken:
    """What speech alone does with a mouth in f frames; room is 0 where it must not be undone."""

    gap: Tensor  # [f] metres, the widest
    width: Tensor  # [f] of rest's
    teeth: Tensor  # [f] of rest's distance
    open_room: Tensor  # [f] in [0, 1]
    round_room: Tensor  # [f]
    teeth_room: Tensor  # [f]

    @property
    def room(self) -> Tensor:
        """[f] the least of the three."""
        return torch.minimum(self.open_room, torch.minimum(self.round_room, self.teeth_room))


def spoken(mouth: Mouth, speech: Lines) -> Spoken:
    """speech: of f frames."""
    gap = speech.parting.amax(1).clamp(min=0)
    right, left = mouth.rest[mouth.corners]
    width = (left - right + speech.corners).norm(dim=1) / mouth.width
    teeth = mouth.teeth_distance(mouth.rest[mouth.lower_lip] + speech.lip) / mouth.teeth_at_rest
    relative = gap / mouth.width
    return Spoken(
        *(gap, width, teeth),
        open_room=_step((relative - SHUT) / (OPENED - SHUT)),
        round_room=_step((width - ROUND) / (UNROUNDED - ROUND)),
        teeth_room=_step((teeth - CONTACT) / (APART - CONTACT)),
    )


def held_lip(mouth: Mouth, said: Spoken, lines: Lines, felt: Lines) -> Tensor:
    """[f, 3] by which the middle of the lips moves back, no farther than it must, to where speech
    holds the lower one to the upper teeth; lines: of all that moves the mouth and has no gate,
    felt: of feelings alone."""
    parted = _step((said.gap / mouth.width - SHUT) / (PARTED - SHUT))
    lip, back = mouth.rest[mouth.lower_lip] + lines.lip, felt.lip.mean(1)
    there = mouth.teeth_distance(lip) / mouth.teeth_at_rest
    without = mouth.teeth_distance(lip - back[:, None]) / mouth.teeth_at_rest
    free = _share(_farthest(said) - without, there - without)
    return -((1 - free) * parted)[:, None] * back


def wide_share(mouth: Mouth, said: Spoken, lines: Lines, widening: Lines, opening: Lines) -> Tensor:
    """[f] in [0, 1] how much of `widening` motion leaves the corners near enough to each other,
    however much of `opening` comes on top. lines: of all else that moves the mouth, f frames."""
    shut, opened = (
        _by_width(mouth, said, each, widening) for each in (lines, added(lines, opening))
    )
    return torch.minimum(shut, opened)


def open_share(mouth: Mouth, said: Spoken, lines: Lines, opening: Lines) -> Tensor:
    """[f] in [0, 1] how much of `opening` motion leaves lips shut, and the lower one at the teeth.
    lines: of all else that moves the mouth, f frames."""
    return _by_teeth(mouth, said, lines, opening, _by_gap(mouth, said, lines, opening))


def reopened_slowly(share: Tensor, before: Tensor | None, fps: float) -> Tensor:
    """Shares [f] that rise by at most REOPENS a second, after the share [] of the frame before."""
    ramp = REOPENS / fps * torch.arange(1, len(share) + 1)
    start = share[:0] if before is None else before[None]
    held = torch.cat([start, share - ramp])
    return (held.cummin(0).values[len(start) :] + ramp).clamp(0, 1)


def _by_gap(mouth: Mouth, said: Spoken, lines: Lines, opening: Lines) -> Tensor:
    """[f] so that no pair parts more than speech's widest gap, or SHUT, and what room there is;
    nor presses into each other more than OVERLAP."""
    room = torch.minimum(said.open_room, said.teeth_room)
    widest = said.gap.clamp(min=SHUT * mouth.width) + ROOM * mouth.width * room
    up = _share(widest[:, None] - lines.parting, opening.parting)
    down = _share(lines.parting.clamp(min=0) + OVERLAP * mouth.width, -opening.parting)
    return torch.minimum(up, down).amin(1)


def _by_teeth(mouth: Mouth, said: Spoken, lines: Lines, opening: Lines, open: Tensor) -> Tensor:
    """[f] a part of `open` by which the lower lip stays as near to the upper teeth as it must."""
    lip = mouth.rest[mouth.lower_lip] + lines.lip
    without = mouth.teeth_distance(lip) / mouth.teeth_at_rest
    full = mouth.teeth_distance(lip + open[:, None, None] * opening.lip) / mouth.teeth_at_rest
    return open * _share(_farthest(said) - without, full - without)


def _farthest(said: Spoken) -> Tensor:
    """[f] of rest's distance from the upper teeth, beyond which no feeling takes the lower lip."""
    return said.teeth.clamp(min=CONTACT) + TEETH_ROOM * said.teeth_room


def _by_width(mouth: Mouth, said: Spoken, lines: Lines, widening: Lines) -> Tensor:
    """[f] so that the corners are no farther apart than they may be: a quadratic equation."""
    widest = (said.width.clamp(min=ROUNDEST) + WIDTH_ROOM * said.round_room) * mouth.width
    right, left = mouth.rest[mouth.corners]
    across, added = left - right + lines.corners, widening.corners
    a, b = (added * added).sum(1).clamp(min=1e-12), (across * added).sum(1)
    c = (across * across).sum(1) - widest**2
    root = (-b + (b * b - a * c).clamp(min=0).sqrt()) / a
    return torch.where((across + added).norm(dim=1) <= widest, 1.0, root.clamp(0, 1))


def _share(room: Tensor, asked: Tensor) -> Tensor:
    """In [0, 1] how much of what is asked the room lets through; all where nothing is asked."""
    share = (room / asked.clamp(min=1e-7)).clamp(0, 1)
    return torch.where(asked <= room.clamp(min=1e-7), 1.0, share)


def _step(t: Tensor) -> Tensor:
    t = t.clamp(0, 1)
    return t * t * (3 - 2 * t)
