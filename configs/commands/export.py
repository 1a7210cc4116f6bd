"""Write motion for other programs."""

from avatar.drive.export import export
from avatar.drive.export_options import ExportOptions
from common.threads import use_threads


def main(options: ExportOptions) -> None:
    use_threads(options.threads)
    print(f"wrote {options.out}: {export(options)}")
