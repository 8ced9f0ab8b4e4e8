"""What is printed: ward reports and medication charts made before anybody needs them, and paper forms.

Set by Typst. Values are given to it as data, never as markup: whatever stands in a record is printed as it
is.
"""
