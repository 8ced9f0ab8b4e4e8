"""A synthetic Danish region: hospitals, staff, and patients with their whole record, made from a seed.

Nobody in it exists and everything is tagged as synthetic. `bundles` gives transaction Bundles that can be
loaded any number of times, `resources` the same resources one by one, `write` puts either into files. The
same seed gives the same bytes; nothing is held in memory beyond one patient.
"""

from altid.sample.cpr import PATIENTS_MAX
from altid.sample.files import write
from altid.sample.moments import REFERENCE
from altid.sample.region import SEED_MAX, bundles, resources

__all__ = ["PATIENTS_MAX", "REFERENCE", "SEED_MAX", "bundles", "resources", "write"]
