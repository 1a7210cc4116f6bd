"""Make a talking-head video of an avatar from a voice recording or recorded face motion."""

from avatar.drive.drive import drive
from avatar.drive.options import DriveOptions
from avatar.drive.report import write_report


def main(options: DriveOptions) -> None:
    report = drive(options)
    if options.report:
        write_report(options.report, report)
    sound = f"{report.audio_seconds:.2f} s of sound" if options.audio else "no sound"
    print(
        f"wrote {report.output}: {report.frames} frames, {sound}, "
        f"in {report.wall_seconds:.1f} s ({report.steady_fps:.1f} fps)"
    )
