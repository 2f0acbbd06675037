"""The model registry: versions, aliases, environments, promotion, rollback, flavors and policy."""
