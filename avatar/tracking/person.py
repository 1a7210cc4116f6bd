"""One person from several films: shape, offsets of the landmarks, colours, light, neutral face, and
the delay of the sound, as a file that the tracking of all their films reads."""

import fcntl
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from avatar.geometry.vectors import Floats
from avatar.heads.arkit import WEIGHTS
from avatar.lipreading.sound_delay import LONGEST as LONGEST_HEARD
from avatar.lipreading.sound_delay import delay_of
from avatar.tracking.colours import Paint
from avatar.tracking.frames import LONGEST, FollowedFace, longest_shot, picture_size, skin_of
from avatar.tracking.landmarks import landmark_model
from avatar.tracking.model import FrameState, Person, face_model, with_offsets
from avatar.tracking.mouth import mouth_landmarks, refined_mouth, shut_weights, without_person
from avatar.tracking.options import FilmsOptions, TrackingOptions
from avatar.tracking.pyramid import Bytes, Window, window_around
from avatar.tracking.residuals import place
from avatar.tracking.result import SLIGHT, Tracking
from avatar.tracking.smooth import smoothed
from avatar.tracking.stages import OwnModel, Seen, Solved, fitted, own_model, solve_frame
from avatar.tracking.track import solve_person
from avatar.video.reader import colour_frames, film_info
from avatar.video.sound import sound_reader
from avatar.vision.follow import FaceFinder, follow_face
from avatar.vision.mattes import find_mattes, load_matting
from common.arrays import read_arrays, write_arrays
from common.errors import InputError
from common.parallel import ahead, spread
from common.progress import progress_bar

RATE = 16_000  # samples per second of a clip's sound
SPOKEN = ("jaw", "mouth", "cheekPuff", "tongueOut")  # the units that speech moves
PERSON = "person"  # folder in the folder of clips
PERSON_FILMS = 12  # from which the person is solved


@dataclass(frozen=True)
class KnownPerson:
    """A person, solved."""

    solved: Solved
    neutral: Tensor  # [E] weights of the neutral face
    focal: float  # widths of the films' picture
    residual: float  # mm
    delay: float  # seconds by which the sound is moved, later where above 0


def load_person(options: FilmsOptions, films: Sequence[Path], finder: FaceFinder) -> KnownPerson:
    """The person as an earlier run or another process kept them, or solved now."""
    path = options.out / PERSON / "person.npz"
    with path.with_name("lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.is_file():
            write_arrays(path, _solve_person(options, films, finder))
        return _read_person(path)


def _read_person(path: Path) -> KnownPerson:
    """What `_solve_person` found."""
    kept = {name: torch.from_numpy(values) for name, values in read_arrays(path).items()}
    person = Person(kept["shape"], 1.0, (0.0, 0.0))
    model = fitted(with_offsets(face_model()), person)
    landmarks = landmark_model(model)
    points = replace(landmarks.points, mean=kept["landmarks"])
    solved = Solved(
        model,
        person,
        [],
        Paint(kept["albedo"], kept["light"], kept["known"]),
        replace(landmarks, points=points),
    )
    focal, residual, delay = kept["numbers"].tolist()
    return KnownPerson(solved, kept["neutral"], focal, residual, delay)


def _solve_person(
    options: FilmsOptions, films: Sequence[Path], finder: FaceFinder
) -> dict[str, np.ndarray]:
    """The person from a few films, as arrays."""
    chosen, faces = _faces_of_some(films, options, finder)
    solved, focal = _solve_keys(chosen, faces, options)
    own = own_model(solved)
    known = KnownPerson(solved, torch.zeros(len(solved.model.units)).double(), focal, 0.0, 0.0)
    with progress_bar("the neutral face", len(chosen), "films/s") as show:
        tracked = []
        for film, face in zip(chosen, faces, strict=True):
            tracked.append(motion_of(film, face, known, own, options.size))
            show()
    states = [state for tracking, _ in tracked for state in tracking.states]
    weights = torch.stack([state.weights for state in states])
    neutral = shut_weights(solved.model, solved.person, weights)
    delay = _delay(chosen, [tracking for tracking, _ in tracked], neutral, options)
    assert solved.paint is not None and solved.landmarks is not None
    numbers = [focal, float(np.median([residual for _, residual in tracked])), delay]
    return {
        "shape": solved.person.shape.numpy(),
        "landmarks": solved.landmarks.points.mean.numpy(),
        "albedo": solved.paint.albedo.numpy(),
        "light": solved.paint.light.numpy(),
        "known": solved.paint.known.numpy(),
        "neutral": neutral.numpy(),
        "numbers": np.array(numbers),
    }


def _faces_of_some(
    films: Sequence[Path], options: TrackingOptions, finder: FaceFinder
) -> tuple[list[Path], list[FollowedFace]]:
    """Some films, spread evenly, and the face in each; those without a face are left out."""
    at = np.unique(np.linspace(0, len(films) - 1, PERSON_FILMS).round().astype(int))
    chosen, faces, why = [], [], None
    with progress_bar("finding the face", len(at), "films/s") as show:
        for film in (films[k] for k in at):
            try:
                faces.append(found_face(film, options, finder))
                chosen.append(film)
            except InputError as error:
                why = why or error
            show()
    if not faces:
        raise why or InputError("--films: needs a film")
    return chosen, faces


def _solve_keys(
    films: Sequence[Path], faces: Sequence[FollowedFace], options: TrackingOptions
) -> tuple[Solved, float]:
    """The person from the most different frames of all films, and the focal length in widths."""
    if len({(face.width, face.height) for face in faces}) > 1:
        raise InputError("--films: are of different sizes; give those of one camera at a time")
    every = replace(faces[0], points=torch.cat([face.points for face in faces]))
    window = window_around(every.points[..., :2], every.width, every.height, options.size)
    points = window.inside(every.points[..., :2])
    solved = solve_person(
        every, window, options, lambda keys: _seen_keys(films, faces, keys, points, window)
    )
    return solved, solved.person.focal / every.width / window.scale


def _seen_keys(
    films: Sequence[Path],
    faces: Sequence[FollowedFace],
    keys: Sequence[int],
    points: Tensor,
    window: Window,
) -> list[Seen]:
    """Observations of the rows `keys` of all films' frames, one film after the other; points
    [F, 478, 2] in pixels of the window."""
    matting, seen, first = load_matting("cpu"), [], 0
    for film, face in zip(films, faces, strict=True):
        rows = {
            int(face.frames[k - first]): k for k in keys if first <= k < first + len(face.frames)
        }
        first += len(face.frames)
        for number, frame in enumerate(colour_frames(film, LONGEST, face.fps) if rows else ()):
            if number in rows:
                picture = window.cut(frame)
                person, hair = (mask[0] for mask in find_mattes(matting, picture[None]))
                with_skin = torch.cat([picture, skin_of(person, hair)[..., None]], -1)
                seen.append(Seen(points[rows[number]], with_skin, torch.stack([person, hair], -1)))
    return seen


def _delay(
    films: Sequence[Path], tracked: Sequence[Tracking], neutral: Tensor, options: FilmsOptions
) -> float:
    """Seconds by which the films' sound is moved, from the lips of all of them together."""
    if options.sync != "auto":
        return options.sync / 1000
    weights, heard = [], []
    for film, tracking in zip(films, tracked, strict=True):
        if film_info(film).sound_begin is None:
            continue
        names = tracking.model.head.unit_names
        found = without_person(tracking.model, tracking.person, tracking.states, neutral)
        weights.append(found[:, [names.index(name) for name in WEIGHTS]].float())
        heard.append(film_sound(film, tracking, len(found), 0.0))
    if not heard:
        return 0.0
    found = delay_of(
        torch.cat(weights)[: round(LONGEST_HEARD * options.fps)], options.fps, np.concatenate(heard)
    )
    sure = found is not None and found.sure and abs(found.seconds) >= SLIGHT
    return found.seconds if found is not None and sure else 0.0


def film_sound(film: Path, tracking: Tracking, count: int, delay: float) -> Floats:
    """[S] at 16 kHz of `count` frames from the first tracked one on, moved by `delay` seconds."""
    begin = film_info(film).sound_begin or 0.0
    first = float(tracking.frames[0]) / tracking.fps - begin - delay
    read = sound_reader(film, RATE, first)
    return read(round(count / tracking.fps * RATE)).mean(1)


def found_face(film: Path, options: TrackingOptions, finder: FaceFinder) -> FollowedFace:
    """The landmarks of the film's longest shot of a face."""
    pictures = ahead(colour_frames(film, LONGEST, options.fps))
    found = list(follow_face(finder, pictures, options.face, options.crops))
    return longest_shot(film, options, found, picture_size(film_info(film)))


def motion_of(
    film: Path, face: FollowedFace, known: KnownPerson, own: OwnModel, size: int
) -> tuple[Tracking, float]:
    """The states of a film's frames, and the median residual of its landmarks in mm."""
    window = window_around(face.points[..., :2], face.width, face.height, size)
    points = window.inside(face.points[..., :2])
    person = in_window(known.solved.person, known.focal, face, window)
    own = replace(own, person=replace(own.person, focal=person.focal, centre=person.centre))
    mouth = mouth_landmarks(own.landmarks)

    def solve(numbered: tuple[int, Bytes]) -> FrameState:
        row, frame = numbered
        picture = window.cut(frame)
        seen = Seen(points[row], torch.cat([picture, torch.ones_like(picture[..., :1])], -1))
        state = solve_frame(own, seen)
        return refined_mouth(own.model, own.person, mouth, state, points[row])

    kept = {number: row for row, number in enumerate(face.frames.tolist())}
    frames = enumerate(colour_frames(film, LONGEST, face.fps))
    states = list(spread(solve, ((kept[n], frame) for n, frame in frames if n in kept)))
    residual = float(np.median([_residual(own, s, p) for s, p in zip(states, points, strict=True)]))
    states = smoothed(own.model, states, face.fps)
    size_px = (window.width, window.height)
    model = known.solved.model
    return Tracking(model, person, states, face.frames, face.fps, size_px), residual


def in_window(person: Person, focal: float, face: FollowedFace, window: Window) -> Person:
    """The person before a camera with a focal length in widths of the film, in a window of it."""
    middle = window.inside(torch.tensor([face.width / 2, face.height / 2]))
    pixels = focal * face.width * window.scale
    return replace(person, focal=pixels, centre=(float(middle[0]), float(middle[1])))


def _residual(own: OwnModel, state: FrameState, found: Tensor) -> float:
    """Median distance in mm of the landmarks [478, 2] from where the face has them."""
    placed = place(own.landmarks.points, own.person, state)
    away = (placed.pixels - found[own.landmarks.index].to(placed.pixels)).norm(dim=1)
    return 1000 * float((away * placed.camera[:, 2] / own.person.focal).median())
