"""Labels: templates as data, and what they print for items, lots, places and pallets, as PDF and as ZPL.

Always true:
- A barcode on a label can be read: it keeps its quiet zone, its bars are whole dots of the printer and wide enough, or
  the label is refused and told how much room it lacks.
- What a barcode says is what the label was asked to say, with FNC1 where GS1 wants it; tests read every one back.
- A template that can be kept can be printed: what is wrong with it is refused by the name of its field.
- A template that came with the program can be changed, and restored to what it was.
- As many labels as are printed at once cost the same number of statements.
"""
