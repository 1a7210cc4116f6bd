"""Convert an avatar between GaussianAvatars' layout and the one file that driving needs."""

from avatar.drive.convert import ConvertOptions, convert


def main(options: ConvertOptions) -> None:
    avatar = convert(options)
    print(
        f"wrote {options.out}: {len(avatar.binding):,} Gaussians on a {avatar.topology} mesh of "
        f"{len(avatar.faces):,} triangles"
    )
