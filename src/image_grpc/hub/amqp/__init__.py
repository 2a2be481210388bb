"""The hub on RabbitMQ. No other package knows AMQP."""

from image_grpc.hub.amqp.dead_letters import DeadLetterMessage, DeadLetterQueue, open_dead_letters
from image_grpc.hub.amqp.declarations import declare
from image_grpc.hub.amqp.hub import AmqpHub

__all__ = ["AmqpHub", "DeadLetterMessage", "DeadLetterQueue", "declare", "open_dead_letters"]
