"""The handlers of the sample jobs, one module for each domain."""
