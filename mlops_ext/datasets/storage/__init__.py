"""What a version keeps: segments, files by column, the manifest that lists them, and reading them again."""
