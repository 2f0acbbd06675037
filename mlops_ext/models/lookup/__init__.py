"""From references to rows and records, and the lists."""
