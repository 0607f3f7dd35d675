"""The web tier: Python clients for whoever submits jobs, and the HTTP service.

Empty on purpose: importing one client loads neither the other nor an HTTP server.
"""
