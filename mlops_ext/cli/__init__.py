"""The terminal's door: `mlops`, a command for every operation and a few that only a terminal needs."""
