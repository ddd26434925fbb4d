"""GS1: what a code says by itself, and codes for labels. Pure: no database, no clock; other words enter by `service`.

Always true:
- Every application identifier of GS1's syntax dictionary is known, with its format, its checks and its pairs.
- What is built is read back as the same: element strings, brackets, links.
- Nothing is guessed: where lost separators leave several readings, only what all of them share is said to be sure.
- Whatever is sent is read, or refused as `NotGs1` with the place, the identifier, the value and what to do.
"""
