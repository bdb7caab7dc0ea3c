"""The one rule of what is in a home feed, for all that there is."""

from itertools import product

import pytest
from feed_service.model import Demand, Relation, belongs

BOTH = (False, True)
RELATIONS = [Relation(*flags) for flags in product(BOTH, repeat=4)]
DEMANDS = [Demand(*flags) for flags in product(BOTH, repeat=3)]
ME, OTHER = 1, 2


@pytest.mark.parametrize("tagged", BOTH)
@pytest.mark.parametrize("demand", DEMANDS, ids=str)
def test_it_is_what_the_words_say(demand: Demand, tagged: bool) -> None:
    for relation in RELATIONS:
        assert belongs(ME, ME, relation, demand, tagged=tagged), "one's own always"
        met = (
            not demand.author
            and (relation.following or not demand.follower)
            and (relation.close_friend or not demand.close_friend)
        )
        for_all = not (demand.author or demand.follower or demand.close_friend)
        wanted = relation.following or (tagged and for_all)
        assert belongs(ME, OTHER, relation, demand, tagged=tagged) is (
            met and wanted and not relation.muting and not relation.blocked
        )
