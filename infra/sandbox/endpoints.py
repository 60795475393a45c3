"""Webhook endpoints: who is told of which events."""

import time

from infra.sandbox import lists
from infra.sandbox.params import ById, CreateWebhookEndpoint, Listing, UpdateWebhookEndpoint
from infra.sandbox.settings import SandboxSettings
from infra.sandbox.store import Document, Store, new_id
from infra.sandbox.webhooks import DEFAULT_ENDPOINT, DEFAULT_EVENTS
from infra.sandbox.world import Call


def _endpoint(endpoint_id: str, url: str, enabled_events: list[str], secret: str) -> Document:
    return {
        "id": endpoint_id,
        "object": "webhook_endpoint",
        "created": int(time.time()),
        "description": None,
        "enabled_events": enabled_events,
        "livemode": False,
        "metadata": {},
        "secret": secret,
        "status": "enabled",
        "url": url,
    }


def install_default(store: Store, settings: SandboxSettings) -> None:
    """Points the default endpoint to where this run's settings say; what waits for it goes there."""
    with store.transaction():
        if settings.webhook_url is None:
            store.delete(DEFAULT_ENDPOINT)
            return
        endpoint = _endpoint(DEFAULT_ENDPOINT, settings.webhook_url, DEFAULT_EVENTS, settings.webhook_secret)
        if store.find("webhook_endpoint", DEFAULT_ENDPOINT) is None:
            store.insert("webhook_endpoint", endpoint)
        else:
            store.put(endpoint)


def create(call: Call, params: CreateWebhookEndpoint) -> Document:
    """The only answer that shows the secret."""
    endpoint = _endpoint(new_id("we"), params.url, params.enabled_events, new_id("whsec"))
    endpoint.update(description=params.description, metadata=lists.merge_metadata({}, params.metadata))
    call.store.insert("webhook_endpoint", endpoint)
    return endpoint


def retrieve(call: Call, _params: ById, endpoint_id: str) -> Document:
    return _without_secret(lists.get(call, "webhook_endpoint", endpoint_id))


def index(call: Call, params: Listing) -> Document:
    answer = lists.listing(call, "webhook_endpoint", params)
    answer["data"] = [_without_secret(endpoint) for endpoint in answer["data"]]
    return answer


def update(call: Call, params: UpdateWebhookEndpoint, endpoint_id: str) -> Document:
    endpoint = lists.get(call, "webhook_endpoint", endpoint_id)
    endpoint.update(params.model_dump(include={"url", "enabled_events", "description"}, exclude_none=True))
    if params.disabled is not None:
        endpoint["status"] = "disabled" if params.disabled else "enabled"
    if "metadata" in params.model_fields_set:
        endpoint["metadata"] = lists.merge_metadata(endpoint["metadata"], params.metadata)
    call.store.put(endpoint)
    return _without_secret(endpoint)


def remove(call: Call, _params: ById, endpoint_id: str) -> Document:
    lists.get(call, "webhook_endpoint", endpoint_id)
    call.store.delete(endpoint_id)
    return {"id": endpoint_id, "object": "webhook_endpoint", "deleted": True}


def _without_secret(endpoint: Document) -> Document:
    return {name: value for name, value in endpoint.items() if name != "secret"}
