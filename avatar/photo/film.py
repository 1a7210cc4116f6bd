"""What a film's avatar starts from: the avatar of a few of its frames, taken as photos."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation
from torch import Tensor
from torch.nn import functional

from avatar.geometry.rotations import matrix_to_quaternion, quaternion_to_matrix
from avatar.geometry.similarity import fit_motion
from avatar.geometry.zbuffer import NOTHING
from avatar.heads import Head, fit_units, load_head
from avatar.heads.arkit import WEIGHTS
from avatar.heads.arkit_fit import fit_weights
from avatar.heads.head import sealed
from avatar.photo.build import STEPS, build, counted
from avatar.photo.fit import Fitted, FittedPhoto
from avatar.photo.photograph import CROPS, SIZE, SeenPhoto
from avatar.photo.project import nearest
from avatar.reconstruct.bound_gaussians import raw_of
from avatar.reconstruct.capture import Capture, View
from avatar.reconstruct.capture_pictures import read_labels, read_picture
from avatar.reconstruct.capture_writer import REGION_LABELS, vertices_path
from avatar.reconstruct.fit import Start
from avatar.reconstruct.head_seeds import face_colours, first_gaussians
from avatar.reconstruct.previews import read_all, some_of
from avatar.reconstruct.visual_hull import nearest_triangles
from avatar.retarget.fitted_face import Face
from avatar.rigging.avatar import Avatar
from avatar.rigging.binding import bind, to_world, triangle_frames
from avatar.rigging.draw import avatar_rig
from avatar.tracking.model import face_model
from avatar.tracking.regions import seen_parts
from avatar.tracking.stages import UPRIGHT
from avatar.tracking.torso_motion import (
    Body,
    Shoulders,
    neck_in_view,
    seen_shoulders,
    torso_motions,
)
from avatar.tracking.track import FINISHED
from avatar.vision.follow import FaceFinder, faces_in_picture, load_face_finder
from avatar.vision.mattes import find_mattes, load_matting
from common.progress import progress_bar
from splat import Camera, Gaussians, RawGaussians, activate, render

LOOKS = 32  # frames that give the colours of eyes and mouth
FILMED = ("eyes", "lips", "inner_mouth", "teeth", "tongue")
LEAST_TURN = 8.0  # degrees of yaw from which a view from the side tells more than that from ahead
STRAIN = 1000.0  # degrees that count as much as a metre by which lips are moved
GREY = torch.tensor(0.5)  # behind the person where the networks look for hair
STILL = 1e-3  # share of the head's pose that a vertex of the torso may follow
OPAQUE, NEAREST = 0.9, 0.25  # alpha, and metres before the neck, of what counts as the body
SMOOTH = 6  # pixels
EVERY = 2  # every second frame of a film is aligned


def completed(folder: Path, capture: Capture, face: Face, seed: int) -> Start | None:
    """The avatar of the calmest frames from the front and from both sides, on the capture's mesh;
    None where no face is found in front. The torso of a film that `track` tracked moves as the
    frames show the avatar's."""
    finder = load_face_finder()
    head, rest = load_head(), capture.rest
    if face.fitted is not None:
        fitted_rest = face.to_head.of_tensor(face.fitted)
        rest = torch.from_numpy(sealed(head, fitted_rest.numpy())).to(rest)
    units = fit_units(head, rest)
    model = replace(face_model(), head=replace(head, units=units), units=units)
    found = [as_photo(capture, face, view, finder) for view in chosen_views(capture, face.head)]
    if found[0] is None:
        return None
    fitted = Fitted(model, rest, [photo for photo in found if photo is not None])
    with progress_bar("completing the head", STEPS, "steps/s") as show:
        made = build(fitted, seed, counted(show))
    avatar = made.avatar if face.fitted is None else on_mesh(made.avatar, face)
    avatar = with_filmed_parts(capture, face.head, avatar)
    return Start(avatar, with_own_torso(folder, capture, face.head, avatar))


def with_own_torso(folder: Path, capture: Capture, head: Head, avatar: Avatar) -> Capture:
    """A capture that `track` wrote with vertices, its torso moving as the frames show the avatar's;
    any other as it is.

    What leans is seen to move by its depth, in which clothes of the library differ from the usual
    chest of the tracker.
    """
    if not ((folder / FINISHED).is_file() and (folder / vertices_path(0)).parent.is_dir()):
        return capture
    views = sorted(
        (one for some in capture.splits.values() for one in some), key=lambda one: one.timestep
    )
    view, torso = views[0].camera, (head.pose_weights < STILL).nonzero()[:, 0]
    body = own_body(view, head, avatar)
    if body is None:
        return capture

    def look(row: int) -> Shoulders:
        planes = _planes(views[row])
        vertices = capture.vertices[views[row].timestep]
        hair = planes[4] if len(planes) > 4 else torch.zeros_like(planes[3])
        return seen_shoulders(view, head, vertices, planes[:3].permute(1, 2, 0), planes[3], hair)

    frames = np.array([int(one.image.stem.partition("_")[0]) for one in views])
    motions = torso_motions(view, body, look, frames, EVERY)
    vertices = capture.vertices.clone()
    share = 1 - head.pose_weights[:, None]
    for one, motion in zip(views, motions, strict=True):
        change = motion - rigid_part(capture, one.timestep, torso)
        vertices[one.timestep] += share * (capture.rest @ change[:3, :3].T + change[:3, 3])
    return replace(capture, vertices=vertices)


def own_body(view: Camera, head: Head, avatar: Avatar) -> Body | None:
    """The front of an avatar's body at rest, as a camera sees it, if it does."""
    drawn = render(avatar_rig(avatar, torch.device("cpu"))(avatar.vertices), view)
    assert drawn.depth is not None
    neck, axis, focal = neck_in_view(view, head, avatar.vertices)
    bare = torch.from_numpy(seen_parts(view, head, avatar.vertices).faces == NOTHING)
    own = bare & (drawn.alpha > OPAQUE) & (drawn.depth > neck[2] - NEAREST)
    if not own.any():
        return None
    depth = drawn.depth.numpy()[tuple(nearest(own.numpy()))]
    return Body(neck, axis, focal, torch.from_numpy(gaussian_filter(depth, SMOOTH)))


def with_filmed_parts(capture: Capture, head: Head, avatar: Avatar) -> Avatar:
    """The avatar with one Gaussian on each triangle of eyes and mouth, in the colours of the
    frames: a film shows them move, and what is finer learns noise."""
    inside = torch.zeros(len(capture.rest), dtype=torch.bool)
    for name in FILMED:
        inside[head.regions[name]] = True
    filmed = inside[capture.faces].all(1).nonzero()[:, 0]
    colours = face_colours(capture, read_all(some_of(capture.splits["train"], LOOKS)), head)
    plain, kept = raw_of(first_gaussians(capture, colours, 0)), ~torch.isin(avatar.binding, filmed)
    parts = {
        name: torch.cat([part[kept], getattr(plain, name)[filmed]])
        for name, part in vars(avatar.gaussians).items()
    }
    binding = torch.cat([avatar.binding[kept], filmed])
    return replace(avatar, gaussians=RawGaussians(**parts), binding=binding)


def on_mesh(avatar: Avatar, face: Face) -> Avatar:
    """An avatar on anny-head as one on another mesh, to whose triangles its own are nearest."""
    back, mesh = face.to_head.inverse(), face.mesh
    frames = triangle_frames(avatar.vertices, avatar.faces)
    world = to_world(activate(avatar.gaussians), avatar.binding, frames)
    turn = torch.from_numpy(back.rotation).float()
    moved = Gaussians(
        means=back.of_tensor(world.means),
        quats=matrix_to_quaternion(turn @ quaternion_to_matrix(world.quats)),
        scales=back.scale * world.scales,
        opacities=world.opacities,
        sh=world.sh,
    )
    near = nearest_triangles(back.of_tensor(frames.origins_world), mesh.vertices, mesh.faces)
    binding = near[avatar.binding]
    local = bind(moved, binding, mesh.vertices, mesh.faces)
    return Avatar(local, binding, mesh.vertices, mesh.faces, face.head.topology, face.fitted)


def chosen_views(capture: Capture, head: Head) -> list[View]:
    """The views of a resting face that looks into the camera, and as far aside as it turns."""
    views = capture.splits["train"]
    poses = [rigid_part(capture, view.timestep, head.regions["scalp"]) for view in views]
    turns = [
        (UPRIGHT @ view.camera.viewmat[:3, :3] @ pose[:3, :3]).double().numpy()
        for view, pose in zip(views, poses, strict=True)
    ]
    angles = np.rad2deg(Rotation.from_matrix(np.stack(turns)).as_rotvec())  # [N, 3]
    strain = np.array(
        [
            float(_offsets(capture, view.timestep, pose)[head.regions["lips"]].norm(dim=1).mean())
            for view, pose in zip(views, poses, strict=True)
        ]
    )
    ahead = np.argmin(np.linalg.norm(angles, axis=1) + STRAIN * strain)
    aside = [np.argmax(side * angles[:, 1] - STRAIN * strain) for side in (-1, 1)]
    turned = [best for best in aside if abs(angles[best, 1]) > LEAST_TURN and best != ahead]
    return [views[index] for index in (ahead, *turned)]


def rigid_part(capture: Capture, timestep: int, rows: Tensor) -> Tensor:
    """The rigid motion [4, 4] of some vertices from rest to a timestep."""
    return fit_motion(capture.rest[rows], capture.vertices[timestep, rows])


def _offsets(capture: Capture, timestep: int, pose: Tensor) -> Tensor:
    """Offsets [V, 3] of a timestep from rest, with the head turned back."""
    back = torch.linalg.inv(pose)
    return capture.vertices[timestep] @ back[:3, :3].T + back[:3, 3] - capture.rest


def as_photo(capture: Capture, face: Face, view: View, finder: FaceFinder) -> FittedPhoto | None:
    """A frame as a photo of the person in head space; None where no face is found."""
    seen = seen_photo(view, finder)
    if seen is None:
        return None
    pose, viewmat = placed(capture, face, view)
    camera = Camera(viewmat, seen.K, *seen.size)
    return FittedPhoto(seen, _weights(capture, face, view), pose, camera)


def placed(capture: Capture, face: Face, view: View) -> tuple[Tensor, Tensor]:
    """The pose [4, 4] of the head over its torso, in head space, and a view matrix [4, 4] from the
    space of the torso, in the unit of head space."""
    head, there = face.head, face.to_head.inverse()
    world = rigid_part(capture, view.timestep, head.regions["scalp"])
    torso = rigid_part(capture, view.timestep, (head.pose_weights < STILL).nonzero()[:, 0])
    to_camera = view.camera.viewmat @ torso
    viewmat = to_camera.clone()
    viewmat[:3, :3] = to_camera[:3, :3] @ torch.from_numpy(there.rotation).float()
    shift = torch.from_numpy(there.translation).float()
    viewmat[:3, 3] = face.to_head.scale * (to_camera[:3, :3] @ shift + to_camera[:3, 3])
    return face.to_head.of_motions(torch.linalg.inv(torso) @ world), viewmat


def _weights(capture: Capture, face: Face, view: View) -> Tensor:
    """The units [E] of anny-head that a frame shows; none on other meshes."""
    head = load_head()
    weights = torch.zeros(len(head.unit_names))
    if face.fitted is not None:
        return weights
    pose = rigid_part(capture, view.timestep, head.regions["scalp"])
    offsets = _offsets(capture, view.timestep, pose)
    offsets[head.pose_weights < 1 - STILL] = 0
    known, _ = fit_weights(head, [offsets[None]])
    weights[[head.unit_names.index(name) for name in WEIGHTS]] = known[0]
    return weights


def seen_photo(view: View, finder: FaceFinder) -> SeenPhoto | None:
    """A frame in the size of a photo; None where no face is found. Without a picture of regions the
    networks tell the hair, and the person within the mask."""
    planes = _planes(view)
    scale = SIZE / max(planes.shape[1:])
    size = [round(scale * side) for side in planes.shape[1:]]
    grown = functional.interpolate(planes[None], size, mode="bicubic", antialias=True)[0]
    image = grown.clamp(0, 1).permute(1, 2, 0)
    faces = faces_in_picture(finder, image[..., :3].contiguous(), averaged=CROPS)
    if not len(faces.points):
        return None
    if view.labels is None:
        image = torch.cat([image[..., :3], *_mattes(image)], -1)
    K, image = scale * view.camera.K.double().numpy(), image.double().numpy()
    return SeenPhoto(
        path=view.image,
        picture=image[..., :3],
        person=image[..., 3],
        hair=np.minimum(image[..., 4], image[..., 3]),
        points=faces.points[0, :, :2],
        focal=float(K[0, 0]),
        centre=(float(K[0, 2]), float(K[1, 2])),
        focal_known=True,
        remarks=(),
    )


def _planes(view: View) -> Tensor:
    """Colours, mask and, where it is known, hair [4 or 5, H, W] in [0, 1]."""
    read = read_picture(view)
    mask = torch.from_numpy(read.mask).float() / 255
    colour = torch.from_numpy(read.color).float() / 255 / mask[..., None].clamp(min=1 / 255)
    planes = [colour, mask[..., None]]
    if view.labels is not None:
        planes.append((read_labels(view) == REGION_LABELS["hair"]).float()[..., None])
    return torch.cat(planes, -1).permute(2, 0, 1)


def _mattes(image: Tensor) -> tuple[Tensor, Tensor]:
    """Mattes [H, W, 1] of the person and of hair in a picture with its mask [H, W, 4]."""
    colour, mask = image.split([3, 1], -1)
    person, hair = find_mattes(load_matting(), torch.lerp(GREY, colour, mask)[None])
    return torch.minimum(person[0, ..., None], mask), hair[0, ..., None]
