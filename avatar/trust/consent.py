"""Consent of the person of an avatar: who agreed, to what, until when, in a line of text."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

from common.errors import InputError

NOT_STATED = "not stated"
LONGEST = 1000  # characters
UNTIL = re.compile(r"\buntil (\d{4}-\d{2}-\d{2})\b", re.IGNORECASE)


def consent_of(text_or_file: str) -> str:
    """The line of text, of a file where it names one. InputError where it is of no use."""
    said = " ".join(_read(text_or_file).split())
    if not said:
        raise InputError("--consent: is empty; write who agreed, to what, until when")
    if len(said) > LONGEST:
        raise InputError(f"--consent: has {len(said)} characters; write at most {LONGEST}")
    if (named := UNTIL.search(said)) and end_of(said) is None:
        raise InputError(f"--consent: {named[1]} is no day; write until YYYY-MM-DD")
    return said


def _read(text_or_file: str) -> str:
    try:
        path = Path(text_or_file)
        return path.read_text("utf-8") if path.is_file() else text_or_file
    except UnicodeDecodeError:
        raise InputError(f"{text_or_file}: --consent is no text; write it as UTF-8") from None
    except (OSError, ValueError):  # too long for a name
        return text_or_file


def end_of(consent: str) -> date | None:
    """The last day of a consent, if it says "until YYYY-MM-DD"."""
    named = UNTIL.search(consent)
    try:
        return date.fromisoformat(named[1]) if named else None
    except ValueError:
        return None


def ended(consent: str) -> bool:
    """Whether the last day of a consent is over."""
    end = end_of(consent)
    return end is not None and end < datetime.now(UTC).date()


def consent_line(consent: str) -> str:
    """What is printed of a consent, which may be empty."""
    return f"consent: {consent or NOT_STATED}" + (" (this is over)" if ended(consent) else "")


def check_consent(consent: str, name: str) -> None:
    """Refuse an avatar, by its name, without a consent that holds. InputError."""
    if not consent:
        raise InputError(f"{name}: does not say that its person agreed; see convert --consent")
    if ended(consent):
        raise InputError(f"{name}: the consent of its person ended on {end_of(consent)}")
