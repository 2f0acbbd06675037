"""Evidence about a model version, drawn from its record: card, bill of materials, signatures, bundle, profiles."""
