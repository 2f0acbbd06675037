"""What is hashed: the canonical form of values, and Arrow types in words."""
