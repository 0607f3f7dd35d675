"""A private RabbitMQ node: its own data, user, cookie, ports and epmd, all on loopback.

It is started from an installed (or fetched) `rabbitmq-server` as an ordinary process of whoever asks
for it, beside any other broker of the machine and without touching the system's service.
`fairway up`, the tests' broker fixture and `python -m fairway.node` are three uses of this one node.
"""
