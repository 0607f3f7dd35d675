"""The web tier: jobs over HTTP, their records from any replica, and who works on them.

`app.create_app` puts the parts together; `server.serve` runs them in one process.
"""
