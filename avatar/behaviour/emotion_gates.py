"""Gates that limit how far an emotion moves a speaking mouth.

An emotion must not undo what speech alone does: shut lips, the lower lip at the upper teeth, a
rounded mouth. The gates are measured on vertices of the avatar's own mesh, so they hold on every
topology; they depend on the speech of the same frame and close as fast as it does.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from avatar.behaviour.emotion_mouth import Lines, Mouth, added

# Gaps are in widths of the mouth at rest.
SHUT = 0.01  # smaller gaps are invisible
OPENED = 0.085  # from this gap on an emotion is free to open the mouth
SLACK = 0.25  # that an emotion may then add to the gap
OVERLAP = 0.008  # by which lips may press into each other
PARTED = 0.03  # from this gap on lips at the teeth are not shut lips
# Distances of the lower lip from the upper teeth are in those at rest.
CONTACT, APART = 0.63, 0.9  # held at the teeth, and free
TEETH_SLACK = 2.0  # that an emotion may then add
WITHIN, HALVINGS = 0.002, 4  # of the limit, and steps in which that is found
# Widths are in those at rest.
ROUND, UNROUNDED, ROUNDEST = 0.95, 1.0, 0.945  # rounded, free, upper limit while rounded
WIDTH_SLACK = 0.4  # that an emotion may then add
REOPENS = 6.0  # a second, at most: a gate opens more slowly than it closes


@dataclass(frozen=True)
class Spoken:
    """The mouth in f frames of speech alone; slack is 0 where an emotion must not undo it."""

    gap: Tensor  # [f] the widest, metres
    width: Tensor  # [f] relative to rest
    teeth: Tensor  # [f] distance of lower lip and upper teeth, relative to rest
    open_slack: Tensor  # [f] in [0, 1]
    round_slack: Tensor  # [f]
    teeth_slack: Tensor  # [f]

    @property
    def slack(self) -> Tensor:
        """[f] the smallest of the three."""
        return torch.minimum(self.open_slack, torch.minimum(self.round_slack, self.teeth_slack))


def spoken(mouth: Mouth, speech: Lines) -> Spoken:
    """speech: of f frames."""
    gap = speech.parting.amax(1).clamp(min=0)
    right, left = mouth.rest[mouth.corners]
    width = (left - right + speech.corners).norm(dim=1) / mouth.width
    teeth = mouth.teeth_distance(mouth.rest[mouth.lower_lip] + speech.lip) / mouth.teeth_at_rest
    relative = gap / mouth.width
    return Spoken(
        *(gap, width, teeth),
        open_slack=smoothstep((relative - SHUT) / (OPENED - SHUT)),
        round_slack=smoothstep((width - ROUND) / (UNROUNDED - ROUND)),
        teeth_slack=smoothstep((teeth - CONTACT) / (APART - CONTACT)),
    )


def held_lip(mouth: Mouth, said: Spoken, lines: Lines, emotion: Lines) -> Tensor:
    """[f, 3] the smallest correction of the middle of the lips that returns the lower lip to the
    upper teeth where speech holds it there; lines: of all ungated motion, emotion: of emotions
    alone."""
    parted = smoothstep((said.gap / mouth.width - SHUT) / (PARTED - SHUT))
    lip, back = mouth.rest[mouth.lower_lip] + lines.lip, emotion.lip.mean(1)
    limit = _farthest(said) + WITHIN

    def distance(share: Tensor) -> Tensor:  # [f] with that share [f] of the emotion taken back
        moved = lip - share[:, None, None] * back[:, None]
        return mouth.teeth_distance(moved) / mouth.teeth_at_rest

    there, without = distance(torch.zeros_like(parted)), distance(torch.ones_like(parted))
    low = 1 - _share(limit - without, there - without)
    high = torch.ones_like(low)
    for _ in range(HALVINGS):  # the lip may pass the teeth on its way: what lies between is farther
        middle = (low + high) / 2
        late, enough = distance(low) > limit, distance(middle) <= limit
        low, high = (
            torch.where(late & ~enough, middle, low),
            torch.where(late & enough, middle, high),
        )
    share = torch.where(distance(low) > limit, high, low)
    return -(share * parted)[:, None] * back


def wide_share(mouth: Mouth, said: Spoken, lines: Lines, widening: Lines, opening: Lines) -> Tensor:
    """[f] in [0, 1] the share of `widening` that keeps the corners within their limit, with and
    without `opening`. lines: of all other motion, f frames."""
    shut, opened = (
        _by_width(mouth, said, each, widening) for each in (lines, added(lines, opening))
    )
    return torch.minimum(shut, opened)


def open_share(mouth: Mouth, said: Spoken, lines: Lines, opening: Lines) -> Tensor:
    """[f] in [0, 1] the share of `opening` that keeps shut lips shut and the lower lip at the
    teeth. lines: of all other motion, f frames."""
    return _by_teeth(mouth, said, lines, opening, _by_gap(mouth, said, lines, opening))


def reopened_slowly(share: Tensor, before: Tensor | None, fps: float) -> Tensor:
    """Shares [f] that rise by at most REOPENS a second, after the share [] of the frame before."""
    ramp = REOPENS / fps * torch.arange(1, len(share) + 1)
    start = share[:0] if before is None else before[None]
    held = torch.cat([start, share - ramp])
    return (held.cummin(0).values[len(start) :] + ramp).clamp(0, 1)


def _by_gap(mouth: Mouth, said: Spoken, lines: Lines, opening: Lines) -> Tensor:
    """[f] so that no pair parts more than speech's widest gap, or SHUT, plus the slack; nor
    overlaps more than OVERLAP."""
    slack = torch.minimum(said.open_slack, said.teeth_slack)
    widest = said.gap.clamp(min=SHUT * mouth.width) + SLACK * mouth.width * slack
    up = _share(widest[:, None] - lines.parting, opening.parting)
    down = _share(lines.parting.clamp(min=0) + OVERLAP * mouth.width, -opening.parting)
    return torch.minimum(up, down).amin(1)


def _by_teeth(mouth: Mouth, said: Spoken, lines: Lines, opening: Lines, open: Tensor) -> Tensor:
    """[f] the share of `open` that keeps the lower lip within its distance of the upper teeth."""
    lip = mouth.rest[mouth.lower_lip] + lines.lip
    without = mouth.teeth_distance(lip) / mouth.teeth_at_rest
    full = mouth.teeth_distance(lip + open[:, None, None] * opening.lip) / mouth.teeth_at_rest
    return open * _share(_farthest(said) - without, full - without)


def _farthest(said: Spoken) -> Tensor:
    """[f] limit of the distance of lower lip and upper teeth, relative to rest."""
    return said.teeth.clamp(min=CONTACT) + TEETH_SLACK * said.teeth_slack


def _by_width(mouth: Mouth, said: Spoken, lines: Lines, widening: Lines) -> Tensor:
    """[f] so that the corners stay within their limit: the root of a quadratic equation."""
    widest = (said.width.clamp(min=ROUNDEST) + WIDTH_SLACK * said.round_slack) * mouth.width
    right, left = mouth.rest[mouth.corners]
    across, added = left - right + lines.corners, widening.corners
    a, b = (added * added).sum(1).clamp(min=1e-12), (across * added).sum(1)
    c = (across * across).sum(1) - widest**2
    root = (-b + (b * b - a * c).clamp(min=0).sqrt()) / a
    return torch.where((across + added).norm(dim=1) <= widest, 1.0, root.clamp(0, 1))


def _share(slack: Tensor, asked: Tensor) -> Tensor:
    """In [0, 1] the share of `asked` that fits into `slack`; 1 where nothing is asked."""
    share = (slack / asked.clamp(min=1e-7)).clamp(0, 1)
    return torch.where(asked <= slack.clamp(min=1e-7), 1.0, share)


def smoothstep(t: Tensor) -> Tensor:
    """From 0 to 1 over t in [0, 1], with zero slope at both ends."""
    t = t.clamp(0, 1)
    return t * t * (3 - 2 * t)
