"""What our orders are as messages (HL7 v2.5.1).

A small encoder of our own (`altid.hl7`): six kinds of segments out and five in need less than a package that
knows them all.
"""
