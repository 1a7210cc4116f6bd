"""Build an avatar from a tracked capture."""

from avatar.reconstruct import ReconstructOptions, reconstruct


def main(options: ReconstructOptions) -> None:
    avatar = reconstruct(options)
    print(f"wrote {options.out}: {len(avatar.binding)} Gaussians on {avatar.topology}")
