"""The feed: how it is read, and how posts get to it."""

from deploy.observability.boards.panels import Board, Panel, Query, Row
from deploy.observability.boards.queries import largest, quantile, rate, share

_HOME = 'route="/v1/me/feed",method="GET"'
_LANES = "feed.fanout|feed.small|feed.large|feed.late"
_POSTED = "nothing was posted of late"


def board() -> Board:
    return Board("feed", "Feed", "Reading, fan-out, ranking.", (_reading(), _fanout(), _kept()))


def _reading() -> Row:
    pages = rate("heliograph_feed_pages_total")
    degraded = rate("heliograph_feed_pages_total", where='degraded="True"')
    return Row(
        "Reading",
        (
            Panel(
                "Home feed",
                (
                    Query(quantile(0.5, "heliograph_http_seconds", where=_HOME), "median"),
                    Query(quantile(0.99, "heliograph_http_seconds", where=_HOME), "99%"),
                    Query(quantile(0.999, "heliograph_http_seconds", where=_HOME), "99.9%"),
                ),
                "As the gateway answers. The objective: 99% within 300 ms.",
                unit="s",
                red=0.3,
            ),
            Panel(
                "Pages",
                (
                    Query(pages, "chronological"),
                    Query(
                        rate("heliograph_feed_top_pages_total", "kind"),
                        "ranked: {{kind}}",
                        quiet="nobody asked for order=top",
                    ),
                ),
                "A second.",
                unit="reqps",
            ),
            Panel(
                "Degraded pages",
                (Query(share(degraded, pages), "degraded"),),
                "Share pulled from the authors, since Cassandra did not answer.",
                unit="percentunit",
                red=0.01,
            ),
            Panel(
                "Where it is read from",
                (Query(rate("heliograph_feed_slices_total", "source"), "{{source}}"),),
                "warm: Redis. rows and older: Cassandra. truth: the authors' own lists.",
                stacked=True,
            ),
            Panel(
                "Pieces of posts",
                (Query(rate("heliograph_feed_fragments_total", "outcome"), "{{outcome}}"),),
                "Found in the process, out of date, or fetched from the post service.",
                stacked=True,
            ),
            Panel(
                "Views of viewers",
                (
                    Query(
                        share(
                            rate("heliograph_feed_views_total", "view", 'outcome="hit"'),
                            rate("heliograph_feed_views_total", "view"),
                        ),
                        "{{view}}",
                    ),
                ),
                "Share that was there and had not to be made.",
                unit="percentunit",
            ),
            Panel(
                "Candidates hidden",
                (Query(rate("heliograph_feed_hidden_candidates_total")),),
                "What the viewer may not see any more, found at reading: blocks, deletions, changes of audience.",
            ),
            Panel(
                "Candidates of a ranking",
                (
                    Query(
                        quantile(0.5, "heliograph_feed_ranked_candidates"), "median", quiet="nobody asked for order=top"
                    ),
                ),
                "At most 500.",
            ),
            Panel(
                "Impressions",
                (
                    Query(
                        rate("heliograph_feed_impressions_total", "kind, outcome"),
                        "{{kind}} {{outcome}}",
                        quiet="nobody asked for order=top",
                    ),
                ),
                "Told to Kafka without an outbox: some may be lost, never waited for.",
            ),
        ),
    )


def _fanout() -> Row:
    return Row(
        "Fan-out",
        (
            Panel(
                "Post to rows",
                (
                    Query(quantile(0.5, "heliograph_fanout_delay_seconds", "lane"), "{{lane}} median"),
                    Query(quantile(0.99, "heliograph_fanout_delay_seconds", "lane"), "{{lane}} 99%"),
                ),
                "From a post's event to the rows of a chunk. The objective: 99% of the small lane within 5 s.",
                unit="s",
                red=5,
            ),
            Panel(
                "Rows written",
                (Query(rate("heliograph_fanout_rows_total", "lane"), "{{lane}}"),),
                "A second, by lane.",
                unit="wps",
            ),
            Panel(
                "Posts",
                (Query(rate("heliograph_fanout_posts_total", "way"), "{{way}}"),),
                "push: written to followers. pull: merged when read, as the author has too many.",
            ),
            Panel(
                "Events that wait",
                (
                    Query(
                        f'sum by (group) (heliograph_consumer_lag{{group=~"{_LANES}"}})',
                        "{{group}}",
                    ),
                ),
                "By lane.",
            ),
            Panel(
                "Oldest event",
                (Query(largest("heliograph_consumer_age_seconds", "group", f'group=~"{_LANES}"'), "{{group}}"),),
                "By lane.",
                unit="s",
                red=60,
            ),
            Panel(
                "Rows spared",
                (
                    Query(rate("heliograph_fanout_rows_saved_total", "lane"), "{{lane}}"),
                    Query(rate("heliograph_feed_idle_accounts_total"), "accounts that became idle"),
                    Query(
                        rate("heliograph_fanout_crossings_total", "way"), "authors: {{way}}", quiet="no author crossed"
                    ),
                ),
                "Not written, as nobody would read them; and who changed over between push and pull.",
            ),
        ),
    )


def _kept() -> Row:
    flying = 'sum by (process) (heliograph_cassandra_in_flight{service="feed"})'
    return Row(
        "Cassandra and Redis",
        (
            Panel("Cassandra: under way", (Query(flying, "{{process}}"),), "Operations at once."),
            Panel(
                "Redis for hot paths",
                (
                    Query('sum by (process) (heliograph_hot_redis_queue{service="feed"})', "{{process}} waiting"),
                    Query(rate("heliograph_hot_redis_lost_total", "process", 'service="feed"'), "{{process}} lost"),
                ),
                "Commands that wait, and connections that broke a second.",
            ),
            Panel(
                "Changes the gateway tells of",
                (
                    Query(
                        rate("heliograph_gateway_notes_total", "outcome"),
                        "{{outcome}}",
                        quiet="nobody changed anything of late",
                    ),
                ),
                "So that a reader sees at once what they did themselves.",
            ),
        ),
    )
