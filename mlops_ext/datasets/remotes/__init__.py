"""Versions of datasets sent to remotes and fetched from them: only the pieces that are missing travel."""
