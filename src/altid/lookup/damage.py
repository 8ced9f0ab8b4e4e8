"""What can be wrong with the file of a copy."""

from __future__ import annotations


class CopyDamagedError(Exception):
    """The file is not whole: it is put aside and made anew from the feed."""


class WrongKeyError(Exception):
    """The file is whole as far as one can tell, and this is not its key."""


class CopyFullError(Exception):
    """The disk is full, or can't be written: the copy stays as it is and is answered from."""
