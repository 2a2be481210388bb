"""Policies of a broker, which AMQP does not show, through the HTTP API of RabbitMQ's management plugin."""

import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import httpx

from image_grpc.errors import HubError
from image_grpc.hub import topology
from image_grpc.hub.amqp.declarations import retry_name
from image_grpc.retry import LADDER

TIMEOUT_SECONDS = 10.0
_PORTS = {"amqp": ("http", 15672), "amqps": ("https", 15671)}
_LOSING = ("message-ttl", "expires", "max-length", "max-length-bytes", "delivery-limit")
"""Keys of policies that let a queue drop messages."""
_LENGTHS = ("max-length", "max-length-bytes")


@dataclass(frozen=True, kw_only=True, slots=True)
class LosingPolicy:
    """A policy that lets queues of the service drop messages."""

    name: str
    keys: Sequence[str]
    queues: Sequence[str]


def management_url(hub_url: str) -> str:
    """Return the default URL of the API on the broker of an AMQP URL, without user and password."""
    url = urlsplit(hub_url)
    scheme, port = _PORTS[url.scheme]
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname or "localhost"
    return f"{scheme}://{host}:{port}"


async def losing_policies(hub_url: str, api_url: str) -> Sequence[LosingPolicy]:
    """Return the policies that let queues of the service drop messages. Raises HubError.

    The user of the AMQP URL needs the tag `policymaker` or `administrator`.
    """
    url = urlsplit(hub_url)
    host = quote(unquote(url.path.removeprefix("/")) or "/", safe="")
    user, password = (unquote(each) if each else "guest" for each in (url.username, url.password))
    found: list[LosingPolicy] = []
    try:
        async with httpx.AsyncClient(verify=_tls(hub_url), auth=(user, password)) as http:
            for kind in ("policies", "operator-policies"):
                response = await http.get(f"{api_url.rstrip('/')}/api/{kind}/{host}", timeout=TIMEOUT_SECONDS)
                response.raise_for_status()
                found += losing(response.json())
    except httpx.HTTPStatusError as error:
        raise HubError(f"HTTP {error.response.status_code} from {api_url}") from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise HubError(f"no response from {api_url}: {error or type(error).__name__}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise HubError(f"{api_url} is not the API of RabbitMQ's management plugin") from error
    return found


def _tls(hub_url: str) -> ssl.SSLContext:
    """Return how the connection is checked: with the certificate authorities that the AMQP URL names, if any."""
    files = parse_qs(urlsplit(hub_url).query).get("cafile", [])
    return ssl.create_default_context(cafile=files[0] if files else None)


def losing(policies: Sequence[Mapping[str, Any]]) -> Sequence[LosingPolicy]:
    """Return those of the policies of one kind that let queues drop messages, as the API describes policies.

    The one with the highest priority applies to a queue.
    """
    queues: dict[str, list[str]] = {}
    for queue, type_ in _queue_types().items():
        if matching := [policy for policy in policies if _applies(policy, queue, type_)]:
            queues.setdefault(max(matching, key=lambda policy: policy["priority"])["name"], []).append(queue)
    keys = {policy["name"]: _losing_keys(policy["definition"]) for policy in policies}
    return [LosingPolicy(name=name, keys=keys[name], queues=names) for name, names in queues.items() if keys[name]]


def _queue_types() -> Mapping[str, str]:
    """Return the type of each queue of the service. Those of one connection are represented by one each."""
    types = {queue.name: "quorum_queues" if queue.quorum else "classic_queues" for queue in topology.QUEUES}
    types |= dict.fromkeys(map(retry_name, LADDER.steps), "quorum_queues")
    return types | dict.fromkeys(("image.reply.*", "image.changes.*"), "classic_queues")


def _applies(policy: Mapping[str, Any], queue: str, type_: str) -> bool:
    if policy["apply-to"] not in ("all", "queues", type_):
        return False
    try:
        return re.search(policy["pattern"], queue) is not None
    except re.error:  # Erlang knows more: the operator has to look
        return True


def _losing_keys(definition: Mapping[str, Any]) -> Sequence[str]:
    # Publishers notice what is rejected, and try again.
    harmless = _LENGTHS if definition.get("overflow") == "reject-publish" else ()
    return [key for key in _LOSING if key in definition and key not in harmless]
