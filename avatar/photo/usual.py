"""What colours a surface has where photos show it well, and others brought into their range."""

import numpy as np

from avatar.light.other_side import Told
from avatar.mesh.vectors import Floats

LEAST_SPREAD = 0.05  # deviation of a channel's logarithm, at least
DARK = 0.03  # added to colours before their logarithm
ROUNDS = 4
FAR = 2.5  # deviations from which a colour does not count as usual
SURE = 0.8  # told by so much a colour counts
FEWEST = 200  # places that tell what is usual


def logarithms(colours: Floats) -> Floats:
    """Of colours [N, 3], a little lighter."""
    return np.log(np.maximum(colours, 0) + DARK)


def deviations(off: Floats, weight: Floats) -> Floats:
    """How many deviations [N] differences [N, C] are large, by those that count (weight [N])."""
    spread = (off * weight[:, None]).T @ off / weight.sum()
    spread += LEAST_SPREAD**2 * np.eye(off.shape[1])
    return np.sqrt(np.maximum(np.einsum("nc,nc->n", off @ np.linalg.inv(spread), off), 0))


def trimmed_fit(logs: Floats, bands: Floats, told: Floats, ridge: Floats) -> tuple[Floats, Floats]:
    """Coefficients [B, C] of logarithms [N, C] in bands [N, B], and how many deviations [N] each is
    away from what they give; told [N]: how much each counts, ridge [B, B]: pull to zero.

    What is far off is left out, again and again (trimmed least squares, Rousseeuw 1984).
    """
    weight, away = told, np.zeros(len(logs))
    fit = np.zeros((bands.shape[1], logs.shape[1]))
    for _ in range(ROUNDS):
        counted = (bands * weight[:, None]).T
        fit = np.linalg.solve(counted @ bands + ridge, counted @ logs)
        away = deviations(logs - bands @ fit, weight)
        weight = told * (away < FAR)
    return fit, away


def usual(colours: Floats, told: Told, most: Floats | float) -> Floats:
    """Colours [N, 3] at most so many deviations [N] from those that are well told: in their hue
    if they have another, and as bright as the brightest if they are brighter.

    Mean and spread are those of the logarithms, without what is far off.
    """
    known = told.weight > SURE
    if known.sum() < FEWEST:
        return colours
    logs = logarithms(told.values[known, :3])
    ones = np.ones(len(logs))
    (mean,), apart = trimmed_fit(logs, ones[:, None], ones, np.zeros((1, 1)))
    weight = (apart < FAR).astype(float)
    off = logarithms(colours) - mean
    both = np.concatenate([logs - mean, off])
    away = deviations(both, np.concatenate([weight, np.zeros(len(off))]))[len(logs) :]
    return np.exp(mean + off * np.minimum(1, most / np.maximum(away, 1e-9))[:, None]) - DARK
