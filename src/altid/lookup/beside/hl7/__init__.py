"""Senders of HL7 v2 that call over MLLP: who is admitted where (ADT), results (ORU), medication (RDE, RAS).

A message is answered AA when it is in the copy; AE when it is not known to be, and must come again; AR when
no repetition would help: then its bytes are held for a person, in the encrypted copy, and the sender can go
on.
"""
