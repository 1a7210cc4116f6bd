"""Modules of other projects, which are there only where somebody uses them."""

from importlib import import_module
from types import ModuleType

from common.errors import InputError


def needed(module: str, package: str) -> ModuleType:
    """A module; InputError that says what to install where it is missing."""
    try:
        return import_module(module)
    except ImportError as error:
        raise InputError(
            f"{module} cannot be imported ({error}); install it with: pip install {package}"
        ) from None
