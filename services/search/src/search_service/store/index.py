"""Elasticsearch: every query, every write.

Writes carry the version of what they copy (external versioning), so replays and reordered events converge: an older
copy loses with a conflict, which is the wanted outcome. A deleted post leaves a tombstone for the same reason.
"""

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Literal

from elasticsearch import AsyncElasticsearch, BadRequestError, ConflictError

from search_service.model import MAX_AGGREGATED, Hit, Kind, Place, PostDocument, TagCount, Tombstone, UserDocument
from search_service.store.documents import post_body, tombstone_body, user_body
from search_service.store.layout import Layout
from search_service.store.mappings import MAPPINGS, Json
from search_service.store.rebuilding import Rebuilding

VersionType = Literal["external", "external_gte"]

_LIVE: Json = {"term": {"deleted": False}}
_PUBLIC: list[Json] = [{"term": {"public": True}}, _LIVE]
_SCAN = 500


@asynccontextmanager
async def open_index(url: str, layout: Layout, **access: Any) -> AsyncGenerator["Index"]:
    """`access` is what the client takes beside. Connects when first used: starts also while the server is down."""
    # Retries live in one layer, and that is the caller's.
    client = AsyncElasticsearch(url, request_timeout=3, max_retries=0, retry_on_timeout=False, **access)
    try:
        yield Index(client, layout)
    finally:
        await client.close()


class Index:
    """Raises the driver's own errors when the server is down."""

    def __init__(self, client: AsyncElasticsearch, layout: Layout) -> None:
        self._client = client
        self._layout = layout

    @property
    def rebuilding(self) -> Rebuilding:
        return Rebuilding(self._client, self._layout)

    async def check(self) -> None:
        await self._client.cluster.health(wait_for_status="yellow", timeout="1s")

    async def migrate(self) -> None:
        """Makes the indices and their aliases where they are missing; may run at any time, twice at once."""
        # A server that has just started takes its time for the first index.
        patient = self._client.options(request_timeout=60)
        for kind, properties in MAPPINGS.items():
            alias = self._layout.alias(kind)
            if await patient.indices.exists_alias(name=alias):
                continue
            try:
                await patient.indices.create(
                    index=self._layout.index(kind),
                    aliases={alias: {"is_write_index": True}},
                    mappings={"dynamic": "strict", "properties": properties},
                    settings=self._layout.settings,
                )
            except BadRequestError as error:
                if error.error != "resource_already_exists_exception":
                    raise

    async def put_user(self, user: UserDocument) -> None:
        await self._put(Kind.USERS, user.user_id, user.version, user_body(user))

    async def put_post(self, post: PostDocument, *, audience_public: bool) -> None:
        # Equal versions overwrite: only `public` can differ between them, and the later writer has read it later.
        body = post_body(post, audience_public=audience_public)
        await self._put(Kind.POSTS, post.post_id, post.version, body, version_type="external_gte")

    async def bury_post(self, post_id: int, version: int, deleted_at: datetime) -> None:
        await self._put(Kind.POSTS, post_id, version, tombstone_body(Tombstone(post_id, version, deleted_at)))

    async def set_author_open(self, author_id: int, *, is_open: bool) -> None:
        """Brings `public` of all posts of an author in line with the account's privacy."""
        alias = self._layout.alias(Kind.POSTS)
        await self._client.indices.refresh(index=alias)
        after: list[Any] | None = None
        while True:
            answer = await self._client.search(
                index=alias,
                query={"bool": {"filter": [{"term": {"author_id": author_id}}, _LIVE]}},
                sort=[{"post_id": "asc"}],
                search_after=after,
                size=_SCAN,
                version=True,
            )
            hits: list[Json] = answer["hits"]["hits"]
            for hit in hits:
                source: Json = hit["_source"]
                public = is_open and source["audience_public"]
                if public != source["public"]:
                    changed = {**source, "public": public}
                    await self._put(
                        Kind.POSTS, source["post_id"], hit["_version"], changed, version_type="external_gte"
                    )
            if len(hits) < _SCAN:
                return
            after = hits[-1]["sort"]

    async def forget_account(self, user_id: int) -> int:
        """Removes the account's documents, at most some hundred at once. Answers how many those were."""
        patient = self._client.options(request_timeout=30)
        removed = 0
        for kind, field in ((Kind.USERS, "user_id"), (Kind.POSTS, "author_id")):
            alias = self._layout.alias(kind)
            await patient.indices.refresh(index=alias)
            answer = await patient.search(index=alias, query={"term": {field: user_id}}, size=_SCAN, source=False)
            if doomed := [{"delete": {"_id": hit["_id"]}} for hit in answer["hits"]["hits"]]:
                await patient.bulk(index=alias, operations=doomed, refresh=True)
                removed += len(doomed)
        return removed

    async def find_users(self, query: str, after: Hit | None, size: int) -> list[Hit]:
        words: Json = {"multi_match": {"query": query, "type": "bool_prefix", "fields": ["name"], "operator": "and"}}
        should: list[Json] = [
            {"constant_score": {"filter": {"term": {"username": query}}, "boost": 10}},
            {"constant_score": {"filter": {"prefix": {"username": query}}, "boost": 3}},
            words,
        ]
        wanted: Json = {"bool": {"filter": [{"term": {"active": True}}], "should": should, "minimum_should_match": 1}}
        return await self._find(Kind.USERS, "user_id", wanted, after, size)

    async def find_posts(self, viewer_id: int, query: str, after: Hit | None, size: int) -> list[Hit]:
        """Public posts and the viewer's own, by title, caption and tag."""
        fields = ["title^3", "caption"]
        should: list[Json] = [
            {"multi_match": {"query": query, "fields": fields, "type": "cross_fields", "operator": "and"}},
            {"match_bool_prefix": {"title": {"query": query, "operator": "and"}}},
            {"constant_score": {"filter": {"terms": {"tags": query.split()}}, "boost": 2}},
        ]
        seen_by_viewer: Json = {"bool": {"should": [{"term": {"public": True}}, {"term": {"author_id": viewer_id}}]}}
        wanted: Json = {"bool": {"filter": [_LIVE, seen_by_viewer], "should": should, "minimum_should_match": 1}}
        return await self._find(Kind.POSTS, "post_id", wanted, after, size)

    async def find_tags(self, prefix: str) -> list[TagCount]:
        """Tags of public posts that begin with `prefix`, most used first."""
        include = _literal(prefix) + ".*"
        terms: Json = {"terms": {"field": "tags", "include": include, "size": MAX_AGGREGATED}}
        buckets = await self._buckets([*_PUBLIC, {"prefix": {"tags": prefix}}], terms)
        return [TagCount(bucket["key"], bucket["doc_count"]) for bucket in buckets]

    async def count_tag(self, tag: str) -> int:
        """Public posts with exactly this tag."""
        wanted: Json = {"bool": {"filter": [*_PUBLIC, {"term": {"tags": tag}}]}}
        return (await self._client.count(index=self._layout.alias(Kind.POSTS), query=wanted))["count"]

    async def find_places(self, query: str) -> list[Place]:
        """Places that public posts name, most used first."""
        sample: Json = {"top_hits": {"size": 1, "_source": ["place_shown", "latitude", "longitude"]}}
        terms: Json = {"terms": {"field": "place_key", "size": MAX_AGGREGATED}, "aggs": {"sample": sample}}
        words: Json = {"match_bool_prefix": {"place": {"query": query, "operator": "and"}}}
        buckets = await self._buckets([*_PUBLIC, words], terms)
        found = (bucket["sample"]["hits"]["hits"][0]["_source"] for bucket in buckets)
        return [Place(spot["place_shown"], spot["latitude"], spot["longitude"]) for spot in found]

    async def _find(self, kind: Kind, id_field: str, query: Json, after: Hit | None, size: int) -> list[Hit]:
        answer = await self._client.search(
            index=self._layout.alias(kind),
            query=query,
            sort=[{"_score": "desc"}, {id_field: "desc"}],
            search_after=[after.score, after.id] if after else None,
            size=size,
            source=False,
            track_total_hits=False,
        )
        return [Hit(hit["sort"][1], hit["sort"][0]) for hit in answer["hits"]["hits"]]

    async def _buckets(self, filters: Sequence[Json], terms: Json) -> list[Json]:
        answer = await self._client.search(
            index=self._layout.alias(Kind.POSTS),
            query={"bool": {"filter": list(filters)}},
            aggs={"found": terms},
            size=0,
            track_total_hits=False,
        )
        return answer["aggregations"]["found"]["buckets"]

    async def _put(
        self, kind: Kind, id_: int, version: int, body: Json, version_type: VersionType = "external"
    ) -> None:
        try:
            await self._client.index(
                index=self._layout.alias(kind),
                id=str(id_),
                document=body,
                version=version,
                version_type=version_type,
                require_alias=True,
            )
        except ConflictError:
            return  # a newer copy is there


def _literal(text: str) -> str:
    """`text` for a Lucene regular expression that means just itself."""
    return re.sub(r"(\W)", r"\\\1", text)
