"""Elasticsearch: a new index beside the one in use."""

import time
from collections.abc import Sequence
from typing import Any

from elasticsearch import AsyncElasticsearch

from search_service.model import Kind, ScannedPost, Tombstone, UserDocument
from search_service.store.documents import post_body, tombstone_body, user_body
from search_service.store.layout import Layout
from search_service.store.mappings import MAPPINGS, Json

_OWNER = {Kind.USERS: "user_id", Kind.POSTS: "author_id"}
_CONFLICT = 409  # a newer copy is there


class Rebuilding:
    def __init__(self, client: AsyncElasticsearch, layout: Layout) -> None:
        # A server takes its time for an index.
        self._client, self._layout = client.options(request_timeout=60), layout

    async def begin(self, kind: Kind) -> str:
        index = self._layout.index(kind, str(time.time_ns() // 1_000_000))
        mappings: Json = {"dynamic": "strict", "properties": MAPPINGS[kind]}
        await self._client.indices.create(index=index, mappings=mappings, settings=self._layout.settings)
        return index

    async def write(self, kind: Kind, index: str, documents: Sequence[UserDocument | ScannedPost | Tombstone]) -> None:
        """Raises RuntimeError with the first fault that is not a newer version."""
        if not documents:
            return
        operations = [part for document in documents for part in _operation(document)]
        answer = await self._client.bulk(index=index, operations=operations)
        results = [item["index"] for item in answer["items"]]
        faults = [one["error"] for one in results if one["status"] >= 300 and one["status"] != _CONFLICT]
        if faults:
            raise RuntimeError(f"{len(faults)} documents of {kind.value} were refused: {faults[0]}")

    async def switch(self, kind: Kind, index: str) -> None:
        """In one step: there is no moment without an index."""
        alias = self._layout.alias(kind)
        await self._client.indices.refresh(index=index)
        actions: list[Json] = [
            {"remove": {"index": f"{alias}-v*", "alias": alias}},
            {"add": {"index": index, "alias": alias, "is_write_index": True}},
        ]
        await self._client.indices.update_aliases(actions=actions)

    async def owners(self, kind: Kind, after: int, limit: int) -> Sequence[int]:
        """Accounts that have documents in the index in use, by rising id."""
        alias, field = self._layout.alias(kind), _OWNER[kind]
        if not after:
            await self._client.indices.refresh(index=alias)
        sources: list[Json] = [{"owner": {"terms": {"field": field}}}]
        composite: Json = {"size": limit, "sources": sources, **({"after": {"owner": after}} if after else {})}
        answer = await self._client.search(index=alias, size=0, aggs={"owners": {"composite": composite}})
        buckets: list[Any] = answer["aggregations"]["owners"]["buckets"]
        return [bucket["key"]["owner"] for bucket in buckets]

    async def forget(self, kind: Kind, owners: Sequence[int]) -> int:
        """Removes what these accounts have in the index in use. Answers how many documents."""
        query: Json = {"terms": {_OWNER[kind]: list(owners)}}
        alias = self._layout.alias(kind)
        answer = await self._client.delete_by_query(index=alias, query=query, conflicts="proceed", refresh=True)
        return answer["deleted"]

    async def drop_unused(self, kind: Kind) -> int:
        """Indices of this kind that the alias does not name. Answers how many."""
        alias = self._layout.alias(kind)
        answer = await self._client.indices.get_alias(index=f"{alias}-v*")
        unused: list[str] = [index for index, told in answer.body.items() if alias not in told["aliases"]]
        if unused:
            await self._client.indices.delete(index=unused)
        return len(unused)


def _operation(document: UserDocument | ScannedPost | Tombstone) -> tuple[Json, Json]:
    match document:
        case UserDocument():
            return _action(document.user_id, document.version, "external"), user_body(document)
        case ScannedPost(post, audience_public):
            # As Index.put_post: equal versions overwrite.
            return _action(post.post_id, post.version, "external_gte"), post_body(post, audience_public=audience_public)
        case Tombstone():
            return _action(document.post_id, document.version, "external"), tombstone_body(document)


def _action(id_: int, version: int, version_type: str) -> Json:
    return {"index": {"_id": str(id_), "version": version, "version_type": version_type}}
