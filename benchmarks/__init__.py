"""What things cost, always as a ratio to something known, measured in the same run."""
