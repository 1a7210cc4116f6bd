"""A film of a face → the person, and pose and expression in every frame.

The person is estimated from key frames, those that differ most in pose and expression.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from avatar.avatar_io.live_link import Take
from avatar.geometry.vectors import Floats
from avatar.heads.flame_model import FlameModel, load_flame
from avatar.tracking.flame_fit import flame_person
from avatar.tracking.frames import (
    FollowedFace,
    follow,
    forget_frames,
    keep_pictures,
    kept_with_skin,
    read_followed,
    write_followed,
)
from avatar.tracking.inner_lips import seen_form, with_form
from avatar.tracking.landmarks import landmark_model
from avatar.tracking.model import FaceModel, FrameState, Person, face_model, with_offsets
from avatar.tracking.mouth import mouth_landmarks, performed_mouth, refined_mouth, shut_weights
from avatar.tracking.options import (
    DEFAULT_FOCAL,
    Sync,
    TrackingOptions,
    TrackOptions,
    check_sync,
    check_tracking,
)
from avatar.tracking.pyramid import Window
from avatar.tracking.result import TrackedSound, Tracking, head_poses, take_of, tracked_sound
from avatar.tracking.smooth import at_neutral, neutral_weights, smoothed, touching
from avatar.tracking.solve import FocalPrior
from avatar.tracking.stages import (
    LEVELS,
    STEPS_PER_LEVEL,
    UPRIGHT,
    Seen,
    Solved,
    first_frame_state,
    own_model,
    solve_colours,
    solve_frame,
    solve_landmarks,
)
from avatar.tracking.write import write_tracking
from avatar.video.reader import film_info
from avatar.vision.follow import load_face_finder
from avatar.vision.landmarks import find_scores
from avatar.vision.mattes import load_matting
from avatar.vision.network import load_network
from common.claimed_folder import claim_folder, file_digest, let_go
from common.device import pick_device
from common.errors import InputError
from common.json_files import read_json, write_json
from common.parallel import meanwhile, spread
from common.progress import progress_bar
from common.threads import use_threads

DEGREES = 12.0  # of the head's rotation that count as half a full expression
EXPRESSION = 2.0


def farthest_points(features: Floats, count: int, first: int) -> list[int]:
    """Rows of features [F, D], each the farthest from those before it."""
    chosen = [first]
    away = np.linalg.norm(features - features[first], axis=1)
    while len(chosen) < min(count, len(features)):
        chosen.append(int(away.argmax()))
        away = np.minimum(away, np.linalg.norm(features - features[chosen[-1]], axis=1))
    return chosen


LANDMARKS, FINISHED = "landmarks.npz", "tracked.json"  # results of a run, and its summary
NOT_IN_OPTIONS = ("out", "device", "threads")  # which do not change the output
KNOWN_SPREAD = 0.03  # of the logarithm of a focal length that was given


@dataclass(frozen=True)
class Tracked:
    """A summary of the tracking."""

    frames: int
    lost: int
    shots: int
    yaw: list[float]  # [2] degrees about the mean pose, of nearly all frames
    focal: float  # widths of the film's picture
    face: float  # its own width, pixels of the film as it is read
    sound: str  # a description of the sound, and of FLAME


def track(options: TrackOptions) -> Tracked:
    """Track a film and write the folder, or continue it; one that is finished is left unchanged.

    Raises InputError or OSError with one sentence.
    """
    use_threads(options.threads)
    _check(options)
    device = pick_device(options.device)
    film_info(options.film)  # fails at once for a file that is no film
    flame = load_flame(options.flame) if options.flame else None
    _claim(options)
    try:
        return _tracked(options, device, flame)
    except InputError:
        let_go(options.out)
        raise


def _tracked(options: TrackOptions, device: torch.device, flame: FlameModel | None) -> Tracked:
    found = _finished(options.out / FINISHED)
    if found is None:
        tracking, face = track_film(options.film, options, options.out, device)
        with meanwhile(partial(tracked_sound, options.film, tracking, options.sync)) as heard:
            person = flame_person(flame, tracking.rest) if flame else None
            said = write_tracking(
                tracking, options.out, lambda: heard().sound, options.held_out, person
            )
            words = "; ".join(part for part in (heard().words, said) if part)
        found = _summary(tracking, face, words)
        write_json(options.out / FINISHED, asdict(found))
    return found


def _finished(path: Path) -> Tracked | None:
    """The summary of an earlier run; None without one, or where it lacks entries."""
    kept = read_json(path) if path.is_file() else {}
    names = {each.name for each in fields(Tracked)}
    return Tracked(**{name: kept[name] for name in names}) if names <= kept.keys() else None


def track_film(
    film: Path, options: TrackingOptions, folder: Path, device: torch.device
) -> tuple[Tracking, FollowedFace]:
    """Track a film; `folder` receives its landmarks, pictures and masks, or has them from an
    interrupted run."""
    if not (folder / LANDMARKS).is_file():
        found = follow(film, options, load_face_finder(device), folder)
        write_followed(folder / LANDMARKS, found)
        forget_frames(folder)
    face = read_followed(folder / LANDMARKS)
    window = keep_pictures(film, face, load_matting(device), options.size, folder)
    points = window.inside(face.points[..., :2])
    solved = solve_person(
        face, window, options, lambda keys: list(spread(partial(_seen, folder, face, points), keys))
    )
    return _every_frame(solved, folder, face, points, window), face


def _check(options: TrackOptions) -> None:
    check_tracking(options)
    check_sync(options.sync)
    if not 0 <= options.held_out <= 0.5:
        raise InputError(f"--held-out {options.held_out:g}: must be from 0 to 0.5")


def _claim(options: TrackOptions) -> None:
    """Make the folder, or continue one of the same film and options."""
    wanted = {k: v for k, v in asdict(options).items() if k not in NOT_IN_OPTIONS}
    wanted["film"] = file_digest(options.film)
    wanted["flame"] = file_digest(options.flame) if options.flame else None
    claim_folder(options.out, wanted, "film that was tracked")


def solve_person(
    face: FollowedFace,
    window: Window,
    options: TrackingOptions,
    look: Callable[[list[int]], list[Seen]],
) -> Solved:
    """The person and the most different frames, the key frames: from landmarks, then with colours.

    look: rows of key frames → what they show.
    """
    model, points = with_offsets(face_model()), window.inside(face.points[..., :2])
    person, prior = _start(model, face, window, options)
    seen = look(_key_frames(model, face, person, points, options.key_frames))
    free_focal = options.focal is None
    solved = solve_landmarks(model, person, prior, [one.points for one in seen], free_focal)
    with progress_bar("the person", len(LEVELS) * STEPS_PER_LEVEL, "steps/s") as done:
        return solve_colours(solved, prior, seen, free_focal, done)


def _start(
    model: FaceModel, face: FollowedFace, window: Window, options: TrackingOptions
) -> tuple[Person, FocalPrior]:
    """A mean face and a default camera, in pixels of the pictures that are kept."""
    widths = DEFAULT_FOCAL * max(face.width, face.height) / face.width
    focal = (options.focal or widths) * face.width * window.scale
    middle = window.inside(torch.tensor([face.width / 2, face.height / 2]))
    shape = torch.zeros(len(model.modes)).double()
    person = Person(shape, focal, (float(middle[0]), float(middle[1])))
    known = FocalPrior(focal, KNOWN_SPREAD)
    return person, known if options.focal else FocalPrior(focal)


def _key_frames(
    model: FaceModel, face: FollowedFace, person: Person, points: Tensor, count: int
) -> list[int]:
    """Rows, ascending, of the most different faces in pose and expression, by farthest-point
    sampling (Gonzalez 1985), the most frontal one first."""
    landmarks, scorer = landmark_model(model), load_network("face_scores", "cpu")
    first = spread(partial(first_frame_state, model, landmarks, person), points)
    upright = UPRIGHT.double() @ torch.stack([state.rotation for state in first])
    angles = Rotation.from_matrix(upright.numpy()).as_euler("YXZ", degrees=True)
    scores = torch.cat([find_scores(scorer, part)[:, 1:] for part in face.points.split(64)])
    features = np.concatenate([angles / DEGREES, EXPRESSION * scores.numpy()], axis=1)
    return sorted(farthest_points(features, count, int(np.abs(angles).sum(1).argmin())))


def _every_frame(
    solved: Solved, folder: Path, face: FollowedFace, points: Tensor, window: Window
) -> Tracking:
    """All frames of a known person, smoothed, with a neutral face that is at rest."""
    own, pairs = own_model(solved), []
    lips = mouth_landmarks(own.landmarks)

    def solve(row: int) -> tuple[FrameState, FrameState]:
        state = solve_frame(own, _seen(folder, face, points, row))
        return state, refined_mouth(own.model, own.person, lips, state, points[row])

    with progress_bar("every frame", len(face.frames)) as done:
        for pair in spread(solve, range(len(face.frames))):
            pairs.append(pair)
            done()
    plain, refined = zip(*pairs, strict=True)
    neutral = shut_weights(solved.model, solved.person, torch.stack([s.weights for s in refined]))
    mouth = performed_mouth(solved.model, solved.person, refined, neutral)
    form = seen_form(solved.model, solved.person, plain, points)
    states = smoothed(solved.model, plain, face.fps)
    weights = torch.stack([one.weights for one in states])
    neutral = neutral_weights(solved.model, solved.person, weights)
    model, states = at_neutral(solved.model, solved.person, states, neutral)
    states = with_form(model, solved.person, states, form)
    states = touching(model, solved.person, states)
    size = (window.width, window.height)
    return Tracking(model, solved.person, states, face.frames, face.fps, size, mouth)


def _seen(folder: Path, face: FollowedFace, points: Tensor, row: int) -> Seen:
    """Observations of a frame; points [F, 478, 2] in pixels of the pictures that are kept."""
    return Seen(points[row], *kept_with_skin(folder, int(face.frames[row])))


def _summary(tracking: Tracking, face: FollowedFace, sound: str) -> Tracked:
    poses = head_poses(tracking)[:, :3, :3].double().numpy()
    yaw = Rotation.from_matrix(poses).as_euler("YXZ", degrees=True)[:, 0]
    low, high = np.quantile(yaw, [0.02, 0.98])
    return Tracked(
        frames=len(face.frames),
        lost=face.lost,
        shots=face.shots,
        yaw=[float(low), float(high)],
        focal=tracking.person.focal / tracking.size[0],
        face=float((face.points.amax(1) - face.points.amin(1))[:, 0].median()),
        sound=sound,
    )


@dataclass(frozen=True)
class Performance:
    """The performance of a face, and its sound."""

    take: Take  # 52 ARKit weights and head angles
    heard: TrackedSound


def performance_of(film: Path, sync: Sync, device: torch.device) -> Performance:
    """The performance of the face in a film. Raises as `track`; temporary files are
    removed."""
    with TemporaryDirectory(prefix="voicesplat-") as folder:
        tracking, _ = track_film(film, TrackingOptions(), Path(folder), device)
    return Performance(take_of(tracking), tracked_sound(film, tracking, sync))
