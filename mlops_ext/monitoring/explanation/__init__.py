"""Explanation: why a model says what it says of a row, as a record."""
