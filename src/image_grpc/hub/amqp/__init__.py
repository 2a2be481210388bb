"""The hub on RabbitMQ. Nothing else knows AMQP."""

from image_grpc.hub.amqp.dead_letters import DeadLetter, DeadLetters, dead_letters
from image_grpc.hub.amqp.declarations import declare
from image_grpc.hub.amqp.hub import AmqpHub
from image_grpc.hub.amqp.leniency import be_lenient

__all__ = ["AmqpHub", "DeadLetter", "DeadLetters", "dead_letters", "declare"]

be_lenient()
