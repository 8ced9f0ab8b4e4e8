"""The drill `screen-swing`: a site dies while a doctor signs on its page, in a real browser.

`doctor` is the person at the PC, `counting` looks what the record holds afterwards, `run` tells the story and
judges it.
"""
