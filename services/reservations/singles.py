"""The single-seat rule: nobody may leave one empty seat that another choice of the same size would not leave.

A single is a run of exactly one free seat beside the choice, within its block between aisles. The rule relaxes as the
house fills: where every place of that size in the block leaves one, the choice is allowed, and of the last tenth of the
seats everybody may take any. By then most of what is left are singles and odd gaps, and a rule that sends people away
leaves more seats empty than it saves.
"""

from collections.abc import Set

from services.reservations.layouts import Block, Plan, Side, places

LAST_PART = 0.1


def edges(plan: Plan, chosen: Set[int]) -> list[Side]:
    """What decides about singles: pairs of a seat beside the choice and the one beyond it.

    A choice leaves a single where the first is free and the second is not; None says that it is surely not, because
    the block ends there or because it is chosen too.
    """
    return [
        (beside, None if beyond in chosen else beyond)
        for seat_no in chosen
        for beside, beyond in plan.sides[seat_no]
        if beside not in chosen
    ]


def leaves_single(plan: Plan, free: Set[int], chosen: Set[int]) -> bool:
    """Whether a choice, itself among the `free` seats, leaves a single beside it."""
    return any(beside in free and (beyond is None or beyond not in free) for beside, beyond in edges(plan, chosen))


def forbids(plan: Plan, free: Set[int], chosen: Set[int]) -> bool:
    """Whether the rule stands against a choice among the `free` seats."""
    return len(free) > LAST_PART * len(plan.seats) and is_refused(plan, free, chosen)


def is_refused(plan: Plan, free: Set[int], chosen: Set[int]) -> bool:
    """Whether a block of the choice gets a single although it has a place of the same size that leaves none."""
    touched = {id(block): block for block in (plan.block_of[seat_no] for seat_no in chosen)}
    return any(refused_in(plan, block, free, chosen) for block in touched.values())


def refused_in(plan: Plan, block: Block, free: Set[int], chosen: Set[int]) -> bool:
    mine = {seat.seat_no for seat in block} & chosen
    if not leaves_single(plan, free, mine):
        return False
    others = ({seat.seat_no for seat in place} for place in places(block, free, len(mine)))
    return any(not leaves_single(plan, free, other) for other in others)
