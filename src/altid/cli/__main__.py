"""`python -m altid.cli`, which the script `altid` runs."""

from altid.cli import main

main()
