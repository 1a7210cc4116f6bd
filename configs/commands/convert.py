"""Convert an avatar between GaussianAvatars' layout and the one file that driving needs."""

from avatar.files.convert import convert
from avatar.files.options import ConvertOptions
from avatar.heads.topologies import ANY_MESH
from common.threads import use_threads


def main(options: ConvertOptions) -> None:
    use_threads(options.threads)
    avatar = convert(options)
    kind = "mesh" if avatar.topology == ANY_MESH else f"{avatar.topology} mesh"
    print(
        f"wrote {options.out}: {len(avatar.binding):,} Gaussians on a {kind} of "
        f"{len(avatar.faces):,} triangles"
    )
