"""The pages of the lookup record: lists of wards, patients, what was sought, and prints of them."""
