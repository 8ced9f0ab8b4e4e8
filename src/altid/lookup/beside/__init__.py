"""Opslag beside another EPJ: what a region's present systems say, as sources of the copy.

Two kinds: a FHIR R4 server that others run (`fhir`), which is asked, and senders of HL7 v2 (`hl7`), which
call. Each source has a name, and all its ids begin with it: two sources never share a resource, and nobody is
taken for somebody else since two systems have given them the same number.
"""
