"""What may change of a dataset or a version: tags, description, state, aliases."""
