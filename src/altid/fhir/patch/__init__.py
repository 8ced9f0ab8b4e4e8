"""Changing a part of a resource: JSON Patch (RFC 6902) and FHIRPath Patch (R4 fhirpatch).

Both return a new resource and leave what they are given untouched. Whether the result is a valid resource is
not judged here: the caller validates it like any other update.
"""

from altid.fhir.patch.fhirpath_patch import apply_fhirpath_patch
from altid.fhir.patch.json_patch import apply_json_patch

__all__ = ["apply_fhirpath_patch", "apply_json_patch"]
