"""The control plane: what is rare and wants comfort, on aio-pika, which stays inside this package.

Jobs, replies and acks never pass here; they are the Link's (`shared.link`).
"""
