"""Convert an avatar between GaussianAvatars' layout and the one file that driving needs."""

from avatar.drive.convert import ConvertOptions, convert
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
