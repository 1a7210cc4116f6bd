"""Write motion for other programs."""

from avatar.drive.export import export
from avatar.drive.export_options import ExportOptions


def main(options: ExportOptions) -> None:
    print(f"wrote {options.out}: {export(options)}")
