"""Holds what Marquee says of its bookings against what the payment provider charged."""

from collections import defaultdict
from typing import Any

FINAL = {"issued", "expired", "cancelled", "refunded"}


def net_by_booking(provider: dict[str, Any]) -> dict[str, list[int]]:
    """For each booking what each of its succeeded intents kept: charged less refunded, in minor units."""
    refunded: dict[str, int] = defaultdict(int)
    for refund in provider["refunds"]:
        if refund["status"] in ("succeeded", "pending"):
            refunded[refund["payment_intent"]] += refund["amount"]
    kept: dict[str, list[int]] = defaultdict(list)
    for intent in provider["intents"]:
        if intent["status"] == "succeeded" and "booking_id" in intent["metadata"]:
            kept[intent["metadata"]["booking_id"]].append(intent["amount_received"] - refunded[intent["id"]])
    return kept


def faults(order: dict[str, Any], kept: list[int]) -> list[str]:
    """What is wrong with one settled booking; empty if the customer has either tickets or the money.

    `kept` is what the provider still holds of each charge for it.
    """
    found = []
    if order["status"] not in FINAL:
        found.append(f"is still {order['status']}")
    live = [ticket for ticket in order["tickets"] if ticket["status"] != "void"]
    due = order["total"]["amount"] if order["status"] == "issued" else 0
    if sum(kept) != due:
        found.append(f"{order['status']}: {due} is due, {kept} was kept")
    if len([amount for amount in kept if amount]) > 1:
        found.append(f"paid more than once: {kept}")
    if len(live) != (len(order["seats"]) if order["status"] == "issued" else 0):
        found.append(f"{order['status']} with {len(live)} tickets for {len(order['seats'])} seats")
    return [f"{order['booking_id']} {fault}" for fault in found]
