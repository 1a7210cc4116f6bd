"""Figures of a tracked film against its truth: pose, reprojection, shape, lips and gaze, as pure
functions of both tracks."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from avatar.geometry.similarity import fit_similarity
from avatar.geometry.triangle_mesh import point_normals
from avatar.geometry.vectors import MM, Bools, Floats, Ints, directions, normalised
from avatar.heads import Head
from avatar.heads.shape_space import mean_face
from avatar.retarget.template import template_of
from research.evaluation.figures import mean_of, median_of
from research.evaluation.speech.films import met
from research.evaluation.tracking.track import Track

WIDTH = 512  # pixels of the picture that figures in pixels are of
FACE = 0.5  # weight from which a vertex belongs to the face
FACING = 0.2  # cosine from which a vertex is seen
SEEN = 3  # frames that must see a vertex for its fixed offset to be known
MIDDLE = 0.5  # of the mouth's width, in which its gap is measured
SHUT = 1.0  # mm: lips nearer than this are shut
NEARLY_SHUT = 2.0  # mm: where true lips are, tracked ones may be shut
LATE = 1  # frames by which a closure may be missed


@dataclass(frozen=True)
class TrackingScores:
    """What differs between a tracked film and the truth; pixels are of a picture 512 wide."""

    focal_ratio: float  # tracked / true
    rotation_deg: float  # median, less one constant rotation
    rotation_p90_deg: float
    rotation_jitter_deg: float  # root mean square of second differences
    reprojection_px: float  # median over frames and seen vertices of the face
    drift_px: float  # the same less a fixed offset of each vertex
    jitter_px: float
    identity_mm: float  # mean over the face at rest, laid on the true one by a similarity
    mean_face_mm: float  # the same of the mean face
    lips_mm: float  # mean over the lips, faces laid on each other; median over frames
    shut_gap_mm: float  # mean where the true lips are shut
    gap_correlation: float
    closures_found: float  # share of the true ones
    closures_false: float  # share of the tracked ones
    gaze_deg: float  # median over frames with open eyes
    person_iou: float = math.nan  # intersection over union of the masks
    hair_iou: float = math.nan


def score_track(tracked: Track, true: Track, head: Head) -> TrackingScores:
    """Compare two tracks of the same frames on the same mesh; figures that need what the film lacks
    are nan (closures where no lips shut)."""
    face = face_vertices(head)
    turned, jitter = rotation_errors(tracked.rotations, true.rotations)
    seen = seen_vertices(true.vertices, head)[:, face]
    errors = (tracked.pixels(WIDTH) - true.pixels(WIDTH))[:, face]
    drifting = less_fixed_offsets(errors, seen)
    gaps, true_gaps = (lip_gaps(head, track.vertices) for track in (tracked, true))
    shut, (found, false) = true_gaps < SHUT, closures(gaps, true_gaps)
    return TrackingScores(
        focal_ratio=tracked.focal / true.focal,
        rotation_deg=float(np.median(turned)),
        rotation_p90_deg=float(np.percentile(turned, 90)),
        rotation_jitter_deg=jitter,
        reprojection_px=float(np.median(np.linalg.norm(errors, axis=-1)[seen])),
        drift_px=float(np.median(np.linalg.norm(drifting, axis=-1)[seen])),
        jitter_px=picture_jitter(errors, seen),
        identity_mm=shape_error(tracked.rest, true.rest, face, face),
        mean_face_mm=shape_error(mean_face().double().numpy(), true.rest, face, face),
        lips_mm=lip_error(tracked.vertices, true.vertices, head),
        shut_gap_mm=mean_of(gaps[shut]),
        gap_correlation=float(np.corrcoef(gaps, true_gaps)[0, 1]),
        closures_found=mean_of(found),
        closures_false=mean_of(false),
        gaze_deg=gaze_error(tracked.gaze[true.eyes_open], true.gaze[true.eyes_open]),
    )


def face_vertices(head: Head) -> Ints:
    """The vertices [n] of the face proper."""
    return np.flatnonzero(template_of(head).weight > FACE)


def rotation_errors(tracked: Floats, true: Floats) -> tuple[Floats, float]:
    """Degrees [F] between rotations [F, 3, 3] once their mean difference is taken off, and the
    root mean square of the second differences of that error in degrees."""
    errors = Rotation.from_matrix(tracked.mT @ true)
    errors = errors.mean().inv() * errors
    vectors = np.degrees(errors.as_rotvec())
    bends = np.diff(vectors, 2, axis=0)
    jitter = float(np.sqrt((bends**2).sum(1).mean())) if len(bends) else 0.0
    return np.linalg.norm(vectors, axis=1), jitter


def seen_vertices(vertices: Floats, head: Head) -> Bools:
    """Which vertices [F, V] of meshes [F, V, 3] in camera axes face the camera."""
    faces = head.faces.numpy()
    normals = np.stack([point_normals(mesh, faces) for mesh in vertices])
    return -(normals * normalised(vertices)).sum(-1) > FACING


def less_fixed_offsets(errors: Floats, seen: Bools) -> Floats:
    """Errors [F, n, 2] in pixels less the median of each vertex over the frames [F, n] that see
    it; a vertex that few see keeps its error."""
    known = np.where(seen[..., None], errors, np.nan)
    often = seen.sum(0) > SEEN
    fixed = np.zeros(errors.shape[1:])
    fixed[often] = np.nanmedian(known[:, often], axis=0)
    return errors - fixed


def picture_jitter(errors: Floats, seen: Bools) -> float:
    """Root mean square of the second differences over frames of errors [F, n, 2] in pixels."""
    bends = np.diff(errors, 2, axis=0)
    throughout = seen[2:] & seen[1:-1] & seen[:-2]
    lengths = (bends**2).sum(-1)[throughout]
    return float(np.sqrt(lengths.mean())) if len(lengths) else 0.0


def shape_error(shape: Floats, true: Floats, on: Ints, measured: Ints) -> float:
    """Mean distance in mm of the measured vertices of two meshes [V, 3], the one laid onto the
    other by the similarity of the vertices `on`."""
    laid = fit_similarity(shape[on], true[on]).apply(shape[measured])
    return float(np.linalg.norm(laid - true[measured], axis=1).mean() / MM)


def lip_error(tracked: Floats, true: Floats, head: Head) -> float:
    """Median over frames of the lips' error in mm, for meshes [F, V, 3]."""
    face, lips = face_vertices(head), head.regions["lips"].numpy()
    return float(
        np.median([shape_error(a, b, face, lips) for a, b in zip(tracked, true, strict=True)])
    )


def gaze_error(tracked: Floats, true: Floats) -> float:
    """Median angle in degrees between gazes [F, eyes, 2] of yaw and pitch."""
    ours, theirs = (directions(*np.moveaxis(np.radians(gaze), -1, 0)) for gaze in (tracked, true))
    cosines = (ours * theirs).sum(-1)
    return median_of(np.degrees(np.arccos(np.clip(cosines, -1, 1))))


def lip_gaps(head: Head, vertices: Floats) -> Floats:
    """The gap [F] in mm between the lips of meshes [F, V, 3] metres, the mean over its middle."""
    upper, lower = (head.regions[f"lip_inner_{side}"].numpy() for side in ("upper", "lower"))
    across = np.abs(head.vertices.numpy()[upper, 0])
    middle = across < MIDDLE * across.max()
    apart = vertices[:, upper[middle]] - vertices[:, lower[middle]]
    return np.linalg.norm(apart, axis=-1).mean(1) / MM


def closures(tracked: Floats, true: Floats) -> tuple[list[bool], list[bool]]:
    """Of each true closure whether it is found, and of each tracked one whether it is false, by
    gaps [F] in mm."""
    ours, theirs, nearly = (
        torch.from_numpy(gaps < least)
        for gaps, least in ((tracked, SHUT), (true, SHUT), (true, NEARLY_SHUT))
    )
    return met(theirs, ours, LATE), [not hit for hit in met(ours, nearly, LATE)]
