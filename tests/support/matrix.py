"""What every route answers to everybody: the columns are the roles, in the order of support.roles.Role.

`+` is the route's own success. A `.` is a cell that cannot be: nobody can have asked to follow a public account.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from support.roles import Role, World

Things = dict[str, str]
Prepare = Callable[[World, Role], Awaitable[Things]]
Body = Callable[[Things], Any]


@dataclass(frozen=True)
class Cells:
    """Expected statuses by role, to a private and to a public subject."""

    private: str
    public: str

    def of(self, world: World) -> Mapping[Role, str]:
        return dict(zip(Role, (self.private if world.private else self.public).split(), strict=True))


def same(cells: str) -> Cells:
    """Whether the subject is private does not matter."""
    columns = cells.split()
    columns[list(Role).index(Role.REQUESTED)] = "."
    return Cells(cells, " ".join(columns))


#                    anon strn foll requ bldd bler ownr susp admn app
OPEN = same("         +    +    +    +    +    +    +    +    +    +")
MINE = same("         401  +    +    +    +    +    +    401  +    403")
ADMINS = same("       401  403  403  403  403  403  403  401  +    403")
# Nobody learns that it is there but its owner.
SECRET = same("       401  404  404  404  404  404  +    401  404  403")
# A profile: a private account shows it too, and who blocks somebody finds them again.
PROFILE = same("      +    +    +    +    404  +    +    401  +    403")
# Lists that leave out what the caller may not see.
LISTED = same("       +    +    +    +    +    +    +    401  +    403")
# What privacy covers, for anybody who may see it, and for those of them who have logged in.
SHOWN = Cells("       404  404  +    404  404  404  +    401  404  403",
              "       +    +    +    .    404  404  +    401  +    403")  # fmt: skip
SHOWN_INSIDE = Cells("401  404  +    404  404  404  +    401  404  403",
                     "401  +    +    .    404  404  +    401  +    403")  # fmt: skip
# What only its owner may change: refused to those who may see it, not there for others.
OWNED = Cells("       401  404  403  404  404  404  +    401  404  403",
              "       401  403  403  .    404  404  +    401  403  403")  # fmt: skip


async def nothing(world: World, role: Role) -> Things:
    return {}


@dataclass(frozen=True)
class Row:
    """One route. `success` is the status that `+` stands for; `body` is sent, made from the things when it can be
    called; `prepare` makes things for one cell that take the place of the world's; `alters` says that success changes
    the standing of who asked, so that the next route meets somebody new."""

    route: str
    success: int
    cells: Cells
    body: Body | Any = None
    prepare: Prepare = nothing
    alters: bool = False
    query: str = ""

    @property
    def method(self) -> str:
        return self.route.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.route.partition(" ")[2]

    def expected(self, world: World) -> dict[Role, int]:
        """Cells that can be."""
        found = {role: cell for role, cell in self.cells.of(world).items() if cell != "."}
        return {role: self.success if cell == "+" else int(cell) for role, cell in found.items()}
