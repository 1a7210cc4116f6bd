"""Colours for all of a surface from those that photos show: outliers brought into their range, the
other side's made to fit without a seam, and the rest filled with a smooth
membrane."""

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import splu
from scipy.spatial import KDTree

from avatar.geometry.vectors import MM, Floats, mix
from avatar.lighting.symmetry import Observed

LEAST_SPREAD = 0.05  # deviation of a channel's logarithm, at least
DARK = 0.03  # added to colours before their logarithm
ROUNDS = 4
FAR, OUTLIER = 2.5, 4.0  # deviations from which a colour is doubted, and not believed at all
SURE = 0.8  # weight from which a colour counts as known
FEWEST = 200  # known samples for robust statistics


def logarithms(colours: Floats) -> Floats:
    """Of colours [N, 3], a little lighter."""
    return np.log(np.maximum(colours, 0) + DARK)


def deviations(off: Floats, weight: Floats) -> Floats:
    """How many deviations [N] differences [N, C] are large, by those that count (weight [N])."""
    spread = (off * weight[:, None]).T @ off / weight.sum()
    spread += LEAST_SPREAD**2 * np.eye(off.shape[1])
    return np.sqrt(np.maximum(np.einsum("nc,nc->n", off @ np.linalg.inv(spread), off), 0))


def trimmed_fit(
    logs: Floats, bands: Floats, observed: Floats, ridge: Floats
) -> tuple[Floats, Floats]:
    """Coefficients [B, C] of logarithms [N, C] in bands [N, B], and how many deviations [N] each is
    away from what they give; observed [N]: how much each counts, ridge [B, B]: pull to zero.

    Outliers are left out, again and again (trimmed least squares, Rousseeuw 1984).
    """
    weight, away = observed, np.zeros(len(logs))
    fit = np.zeros((bands.shape[1], logs.shape[1]))
    for _ in range(ROUNDS):
        counted = (bands * weight[:, None]).T
        fit = np.linalg.solve(counted @ bands + ridge, counted @ logs)
        away = deviations(logs - bands @ fit, weight)
        weight = observed * (away < FAR)
    return fit, away


def robust_mean(colours: Floats, observed: Observed, most: Floats | float) -> Floats:
    """Colours [N, 3] brought to at most so many deviations [N] from the mean of the well observed.

    Mean and covariance are those of the logarithms, without outliers.
    """
    known = observed.weight > SURE
    if known.sum() < FEWEST:
        return colours
    logs = logarithms(observed.values[known, :3])
    ones = np.ones(len(logs))
    (mean,), apart = trimmed_fit(logs, ones[:, None], ones, np.zeros((1, 1)))
    weight = (apart < FAR).astype(float)
    off = logarithms(colours) - mean
    both = np.concatenate([logs - mean, off])
    away = deviations(both, np.concatenate([weight, np.zeros(len(off))]))[len(logs) :]
    return np.exp(mean + off * np.minimum(1, most / np.maximum(away, 1e-9))[:, None]) - DARK


NEIGHBOURS = 8
FACING = 6 * MM  # distance that neighbours with opposite normals count as, halved
SCREEN = 0.1  # pull of a membrane's neighbours where something is known, against that
PRIOR = 1e-6  # weight of the value that an unobserved sample comes with
WELL_OBSERVED = 0.8  # of the largest weight: samples that the median is taken of
SEAM_PRIOR = 1e-3  # the same of the change of the other side's colours


def together(observed: list[Observed]) -> Observed:
    """The observations of several photos, weighted by clarity; all exposed as the first."""
    first, *others = observed
    for other in others:
        both = (first.weight > 0.3) & (other.weight > 0.3)
        gain = np.ones(first.values.shape[1])
        if both.sum() > 50:
            ratio = (first.values[both, :3] + 0.02) / (other.values[both, :3] + 0.02)
            gain[:3] = np.clip(np.median(ratio, axis=0), 0.5, 2.0)
        one, two = first.weight**2, other.weight**2
        share = (two / np.maximum(one + two, 1e-9))[:, None]
        values = first.values * (1 - share) + other.values * gain * share
        first = Observed(values, np.maximum(first.weight, other.weight))
    return first


def seamless(own: Observed, there: Observed, points: Floats, normals: Floats) -> Observed:
    """The other side's observations, as bright as the own where both are there; the logarithm of
    the change is a membrane (Pérez et al. 2003 clone pictures so)."""
    change = logarithms(own.values[:, :3]) - logarithms(there.values[:, :3])
    smooth = membrane(Observed(change, own.weight * there.weight), points, normals, SEAM_PRIOR)
    values = there.values.copy()
    values[:, :3] = np.exp(logarithms(values[:, :3]) + smooth) - DARK
    return Observed(values, there.weight)


def filled(observed: Observed, points: Floats, normals: Floats) -> Floats:
    """Values [N, C] everywhere on a surface of points and normals [N, 3]."""
    return mix(membrane(observed, points, normals), observed.values, observed.weight)


def _neighbours(points: Floats, normals: Floats) -> sp.csr_array:
    """Means over neighbours [N, N]."""
    samples = np.column_stack([points, normals * FACING])
    count = min(NEIGHBOURS, len(points) - 1)
    near = np.asarray(KDTree(samples).query(samples, count + 1)[1]).reshape(-1, count + 1)[:, 1:]
    rows = np.repeat(np.arange(len(points)), count)
    ones = np.full(rows.size, 1 / max(count, 1))
    return sp.csr_array((ones, (rows, near.ravel())), shape=(len(points),) * 2)


def membrane(observed: Observed, points: Floats, normals: Floats, prior: float = PRIOR) -> Floats:
    """The values [N, C] that differ least from neighbours on a surface of points and normals
    [N, 3] and from what is observed (a screened Poisson equation); prior: weight of the value that
    an unobserved sample comes with."""
    graph = _neighbours(points, normals)
    joined = (graph + graph.T) / 2
    laplacian = sp.diags_array(np.asarray(joined.sum(1)).ravel()) - joined
    weight = observed.weight**2 + prior
    system = sp.diags_array(weight) + SCREEN * laplacian
    middle = _middle(observed)
    solver = splu(system.tocsc(), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
    return solver.solve(weight[:, None] * (observed.values - middle)) + middle


def _middle(observed: Observed) -> Floats:
    """The median [C] of what is well observed, which few outliers do not change."""
    most = observed.weight.max(initial=0)
    if not most:
        return np.zeros(observed.values.shape[1])
    return np.median(observed.values[observed.weight >= WELL_OBSERVED * most], axis=0)
