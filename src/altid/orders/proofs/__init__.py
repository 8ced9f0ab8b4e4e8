"""What reconciliations leave behind: evidence that can be shown, and can't be altered unnoticed.

`telling` has the JSON of a result, `sealing` the bytes of a proof and how a chain of them is verified (pure),
`keeping` puts them into the record and the data folder. See docs/orders.md.
"""
