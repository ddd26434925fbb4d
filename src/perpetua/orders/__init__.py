"""Sales orders: who wants what, and how far it has come.

Always true:
- A channel's external id is one order, however often it is sent.
- What a line asked for is allocated, backordered, shipped, cancelled or refused, each unit of it in one of these.
- Of what was shipped, no more comes back than left.
- An order's status follows from its lines.
- How to reach the buyer stands apart from the order, for those who may see it.
"""
