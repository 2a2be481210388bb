"""What every implementation of `hub.port.Hub` must do.

A module that runs it subclasses HubContract and gives a fixture `broker`. Queues and routing keys are new for
each test, so the suite runs on a broker that others use too. The dead letter queue is shared by all tests of one
broker: tests that run at the same time each need a broker (or a virtual host) of their own.
"""

from __future__ import annotations

from tests.contracts.hub_consumers import ConsumersContract
from tests.contracts.hub_events import EventsContract
from tests.contracts.hub_requests import RequestsContract
from tests.contracts.hub_subscriptions import SubscriptionsContract


class HubContract(EventsContract, ConsumersContract, RequestsContract, SubscriptionsContract):
    """The whole suite."""
