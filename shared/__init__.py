"""What the web tier and the workers must agree on, and nothing else: jobs, wire, topology, records, the Link."""
