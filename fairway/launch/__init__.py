"""`fairway up` and `fairway down`: a broker, the topology, the web tier and workers on one machine."""
