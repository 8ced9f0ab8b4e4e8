"""The drill `total-dark`: both sites and the witness stop, and a ward reads on from its own PC.

`ward` makes the ward's PC and switches it on and off, `reader` is the nurse in front of it, in a real browser
where there is one, `sample` fills an empty region, `run` tells the story and judges it.
"""
