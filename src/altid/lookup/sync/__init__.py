"""Keeps the copy in step with the record: everything first, then each change, and a comparison in between.

`line` reaches the sources, `feed` speaks to them, `syncer` decides what to ask next.
"""
