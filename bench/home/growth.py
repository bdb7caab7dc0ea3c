"""Whether a read costs the same in a small and in a large system: both at once, measured in turns."""

import asyncio
from contextlib import ExitStack
from dataclasses import replace

from bench.home import figures
from bench.home.fill import fill
from bench.home.phases import side_by_side
from bench.home.runs import Options, Place, ours
from bench.home.shape import Shape, Social
from bench.home.system import system
from bench.measure import Result, result

SMALL, LARGE = 1_000, 100_000


def growth(shape: Shape, options: Options, small: int = SMALL, large: int = LARGE) -> list[Result]:
    """The same viewers' number, follows and posts of an account, and pages; the accounts are more."""
    with ExitStack() as open_:
        places = [_place(open_, replace(shape, users=users)) for users in (small, large)]
        for place in places:
            place.warm(options)
        found = side_by_side(places, options)
    few, many = (figures.micros(place, found[place.name]) for place in places)
    reference = f"read_cost_at_{small}_us"
    return [
        result(reference, "us", few),
        result("read_cost_growth", "us", many, reference=reference, of=few),
    ]


def _place(open_: ExitStack, shape: Shape) -> Place:
    social = Social(shape)
    opened = open_.enter_context(system(social))
    asyncio.run(fill(opened.stack.stores, social))
    return replace(ours(opened), name=f"home_at_{shape.users}")
