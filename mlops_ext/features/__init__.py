"""Features: columns of datasets, joined as they were known at a moment."""
