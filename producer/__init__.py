"""The web tier: clients for Python, and the HTTP service. Importing one client loads nothing of the service."""
