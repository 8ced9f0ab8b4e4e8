"""HL7 v2.5.1 over MLLP: our orders as its messages, its results as our resources.

A small encoder of our own: six kinds of segments out and five in need less than a package that knows them
all.
"""
