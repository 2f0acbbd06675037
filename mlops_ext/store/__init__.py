"""The place where blobs, the catalog and the audit trail lie."""
