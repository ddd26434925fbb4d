"""License plates: a pallet, a box, a tote, with what stands on it; moved as one.

Always true:
- What plates at a level hold together is never more than its on hand, in every committed state.
- A plate and all that is nested on it are at one place; moving it moves all of it, in one posting.
- A plate is on one plate at most, and never on itself, however many lie between.
- A serial is on one plate at most.
- Goods that leave without their plate come off it: the loose ones first, then those of the plate with the least.
- Each change of a plate is kept with who did it, and never changed.
"""
