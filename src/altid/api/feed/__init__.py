"""/feed: what copies of the record are made from and kept up to date with (docs/lookup.md)."""
