"""Convert an avatar between GaussianAvatars' layout and the one file that driving needs."""

from avatar.drive.convert import ConvertOptions, convert
from common.threads import use_threads


def main(options: ConvertOptions) -> None:
    use_threads(options.threads)
    avatar = convert(options)
    print(
        f"wrote {options.out}: {len(avatar.binding):,} Gaussians on a {avatar.topology} mesh of "
        f"{len(avatar.faces):,} triangles"
    )
