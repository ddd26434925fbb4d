"""Reading and building GS1 data: pure functions over text."""
