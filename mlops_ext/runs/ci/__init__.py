"""The pull request is the decision: locked references, notebooks run as checks, and one report of what changed."""
