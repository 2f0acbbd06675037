"""What a dataset is held to: proposed from a version, reviewed as a file, kept with it, checked by pandera."""
