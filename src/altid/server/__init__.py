"""Puts the rooms together into one server: the ASGI application, its processes, start and stop."""
