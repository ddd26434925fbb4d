"""The promises, measured: one file a promise; each prints a table, and a ratio against a baseline in the same run.

A bench is a module here with a docstring (its first line is the promise) and `def run(arguments: list[str]) -> None`.
"""
