"""`ucum-essence.xml`: the units of the Unified Code for Units of Measure, exactly as published.

UCUM's licence (https://unitsofmeasure.org/license) allows whole, unmodified copies and no derived ones, so
the file is copied byte by byte and read at run time.
"""

from __future__ import annotations

import zipfile

from .fetch import UCUM, Definitions, archive

_MEMBER = "ucumvert/vendor/ucum-essence.xml"


def build(definitions: Definitions) -> bytes:
    """The bytes of `ucum-essence.xml`."""
    with zipfile.ZipFile(archive(UCUM, definitions.cache)) as wheel:
        return wheel.read(_MEMBER)
