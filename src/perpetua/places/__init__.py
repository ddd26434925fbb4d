"""Places: sites and, nested in them without limit, zones, aisles, racks, shelves, bins, docks.

Always true:
- Sites (warehouse, store, fulfilment centre) stand at the root, and nothing else does.
- A place's path is its parent's path and itself, so the tree has no cycle; its site is the first of its path.
- A code names one place, whatever its case.
- Each site has exactly one place of kind `transit`, for what is on its way to it; it is never sellable.
- Nothing stands inside a bin.
- What a confined actor sees, makes, changes or moves lies within the actor's own subtrees.
- A place that holds or has held stock is not removed; one that holds stock is not deactivated.
- Whoever changes where places stand holds the topology lock alone; whoever posts stock holds it shared.
"""
