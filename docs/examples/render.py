"""A voice moves a mesh, the mesh moves Gaussians, and these are drawn."""

import torch

from audio2mesh import load_model, stream_audio, stream_offsets
from avatar.avatar_io.avatar_file import load_avatar
from avatar.rigging.draw import avatar_rig, rasterizer
from common.assets import DEMO_AVATAR, DEMO_VOICE
from splat import orbit

avatar, model = load_avatar(DEMO_AVATAR), load_model()
rig, draw = avatar_rig(avatar, torch.device("cpu")), rasterizer("cpu", torch.ones(3))
camera = orbit(avatar.vertices.mean(0), 1.3, 20.0, 0.0, 18.0, width=512, height=512)
for offsets in stream_offsets(model, stream_audio(DEMO_VOICE)):  # [f, V, 3] metres
    for vertices in avatar.vertices + offsets:
        picture = draw(rig(vertices), camera)  # [H, W, 3] in [0, 1]
