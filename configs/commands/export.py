"""Write motion as ARKit weights (.csv) or FLAME parameters (.npz)."""

from avatar.drive.export import ExportOptions, export_motion


def main(options: ExportOptions) -> None:
    done = export_motion(options)
    misfit = done.misfit
    print(
        f"wrote {options.out}: {done.frames} frames at {done.fps:g} fps; on average the lips are "
        f"{misfit.lips_mm:.3f} mm off (they move {misfit.lip_motion_mm:.2f} mm), all vertices "
        f"{misfit.all_mm:.3f} mm"
    )
