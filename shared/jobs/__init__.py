"""The sample job types: contracts only, one module for each domain."""
