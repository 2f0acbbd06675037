"""The queue: jobs are submitted, claimed, worked on, and recovered when an attempt is lost."""
