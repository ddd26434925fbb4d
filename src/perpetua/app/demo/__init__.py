"""A made-up company to try everything on: generated here from a seed, loaded through the words' own services.

Always true:
- The same day gives the same company, row for row.
- Loading that was cut off goes on where it stopped; a company that is whole is never loaded again.
- A database with anything else in it is left as it is.
"""
