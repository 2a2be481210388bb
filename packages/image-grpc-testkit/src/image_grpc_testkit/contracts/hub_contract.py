"""The contract of `hub.Hub`, as tests that every implementation must pass.

To run them, subclass HubContract and provide a fixture `broker` that returns a `hub_testkit.Broker`. Each test
uses unique queues and routing keys, so the suite can share a broker with other programs. All tests share the dead
letter queue: tests that run at the same time need a broker or virtual host each.
"""

from __future__ import annotations

from image_grpc_testkit.contracts.hub_consumers import ConsumersContract
from image_grpc_testkit.contracts.hub_events import EventsContract
from image_grpc_testkit.contracts.hub_requests import RequestsContract
from image_grpc_testkit.contracts.hub_subscriptions import SubscriptionsContract


class HubContract(EventsContract, ConsumersContract, RequestsContract, SubscriptionsContract):
    """The whole suite."""
