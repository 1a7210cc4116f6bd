"""Write motion, or an avatar's Gaussians, for other programs."""

from avatar.drive.export import export
from avatar.drive.export_plan import holds_gaussians
from avatar.drive.gaussian_export import export_gaussians
from avatar.drive.options import ExportOptions
from common.threads import use_threads


def main(options: ExportOptions) -> None:
    use_threads(options.threads)
    write = export_gaussians if holds_gaussians(options) else export
    print(f"wrote {options.out}: {write(options)}")
