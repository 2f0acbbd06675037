"""How versions are read: which rows, which columns, as a frame, lazily, or as files."""
