"""Altid: the patient record that is always there."""

__version__ = "0.1.0"
