"""What changed between two versions: columns, rows, cells and distributions."""
