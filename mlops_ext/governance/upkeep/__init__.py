"""Upkeep of a store: which versions gc removes and why others stay, and which bytes are missing or flipped."""
