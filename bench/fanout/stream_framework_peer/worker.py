"""A worker of stream-framework: pushes posts to followers as its manager does, half of them in each of two workers.

    python worker.py HOST PORT KEYSPACE FIRST LAST      # followers are numbers from FIRST to before LAST

It makes its tables and says "ready"; then each line on stdin is the number of a post to push, and "done" the answer.
"""

import datetime
import logging
import sys

import shims

host, port, keyspace, first, last = sys.argv[1:]
shims.install(host, int(port), keyspace)
logging.disable(logging.INFO)

from cassandra.cqlengine.management import sync_table
from stream_framework.activity import Activity
from stream_framework.feed_managers.base import FanoutPriority, Manager
from stream_framework.feeds.cassandra import CassandraFeed
from stream_framework.verbs import register
from stream_framework.verbs.base import Verb

FOLLOWERS = list(range(int(first), int(last)))
AUTHOR = 1


class Post(Verb):
    id = 5  # the first four are its own
    infinitive = "post"
    past_tense = "posted"


class HomeFeed(CassandraFeed):
    key_format = "feed:home:%(user_id)s"
    timeline_cf_name = "sf_home"


class UserFeed(CassandraFeed):
    key_format = "feed:user:%(user_id)s"
    timeline_cf_name = "sf_user"


class Posts(Manager):
    feed_classes = {"home": HomeFeed}
    user_feed_class = UserFeed

    def get_user_follower_ids(self, user_id):
        return {FanoutPriority.HIGH: FOLLOWERS}


def main():
    register(Post)
    for feed in (HomeFeed, UserFeed):
        sync_table(feed.get_timeline_storage().model)
    manager = Posts()
    print("ready", flush=True)
    for line in sys.stdin:
        activity = Activity(AUTHOR, Post, int(line), time=datetime.datetime.now())
        manager.add_user_activity(AUTHOR, activity)
        print("done", flush=True)


main()
