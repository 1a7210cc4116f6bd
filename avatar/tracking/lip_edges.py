"""Where lips meet, by the edges that a picture shows.

Of real people landmarks of the inner lips lie on the edges of the lips; on anny-head they are where
the lips meet at rest. Lips that are open are seen up to their crests, which go beyond that, so that
shut lips overlap.
"""

from functools import cache

import torch
from torch import Tensor

from avatar.geometry.edges import edges_of
from avatar.geometry.vectors import MM
from avatar.heads import load_head
from avatar.tracking.landmarks import SKIN_POINTS, skin_points

UPPER, LOWER = (191, 80, 81, 82, 13, 312, 311, 310, 415), (95, 88, 178, 87, 14, 317, 402, 318, 324)
"""Landmarks of the inner lips but for the corners, one above the other."""
NEAR = 10 * MM  # of a landmark, where its lip's crest is
SHOWN_SHUT = 0.3 * MM  # between the landmarks of lips that touch
OPEN = 2.0  # of the laps of both lips: the gap at which 63 % of these are seen


@cache
def lip_laps() -> Tensor:
    """How far [2, P] in metres the crests of both lips of the mean head go beyond where they meet,
    beside the landmarks of UPPER and LOWER."""
    head = load_head()
    vertices, drop = head.vertices.double(), -head.unit("jawOpen")[:, 1].double()
    edges = torch.from_numpy(edges_of(head.faces[head.group_faces("body")].numpy())[0])
    rows = torch.tensor([[SKIN_POINTS.index(each) for each in lip] for lip in (UPPER, LOWER)])
    places, drops = (skin_points(head, each)[rows] for each in (vertices, drop[:, None]))
    between = drops.mean(0)[:, 0]
    laps = torch.zeros(2, len(UPPER)).double()
    for lip, sign in enumerate((-1, 1)):
        for pair, place in enumerate(places[lip]):
            own = (sign * (drop - between[pair]) > 0) & ((vertices - place).norm(dim=1) < NEAR)
            ends = vertices[edges[own[edges].all(1)]]  # [E, 2, 3]
            share = (place[0] - ends[:, 0, 0]) / (ends[:, 1, 0] - ends[:, 0, 0])
            height = torch.lerp(ends[:, 0, 1], ends[:, 1, 1], share)
            crosses = (share >= 0) & (share <= 1)
            laps[lip, pair] = (sign * (height[crosses] - place[1])).max().clamp(min=0)
    return laps


def shares_seen(gaps: Tensor, laps: Tensor) -> Tensor:
    """Of the laps of both lips together, how much is seen where gaps are between their edges."""
    return 1 - torch.exp(-gaps.clamp(min=0) / (OPEN * laps))


def meeting_points(seen: Tensor, up: Tensor, metre: float) -> Tensor:
    """Landmarks [478, 2] of a picture with those of the inner lips where the lips meet.

    up [2]: the head's upward direction in it; metre: pixels of one.
    """
    points, upper, lower = seen.clone(), list(UPPER), list(LOWER)
    up, laps = up.to(seen), lip_laps().to(seen) * metre
    gaps = (points[upper] - points[lower]) @ up
    share = shares_seen(gaps - SHOWN_SHUT * metre, laps.sum(0))
    points[upper] += (share * laps[0])[:, None] * up
    points[lower] -= (share * laps[1])[:, None] * up
    return points
