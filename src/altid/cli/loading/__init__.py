"""What `altid load` does: files become parcels, parcels are sent, a journal remembers what was accepted."""
