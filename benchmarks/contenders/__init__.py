"""What the benchmark of drift runs, each in a process and an environment of its own: python FILE REFERENCE CURRENT."""
