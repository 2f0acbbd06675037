"""What may change of a model or a version: tags, description, name, state."""
