"""Posts, their likes, and the lists of posts that are no feed."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import Path, Response
from heliograph.post.v1 import post_pb2

from gateway import etags, render
from gateway.here import Here, HereDep, answer, nothing
from gateway.pages import Page, PageDep
from gateway.routing import Auth, Policy, Routes
from gateway.schemas import answers, lists, requests
from gateway.schemas.requests import Id, Text

routes = Routes("Posts")

_READ = Policy(Auth.OPTIONAL)
_WRITE = Policy(scope="write")
_CREATE = Policy(scope="write", seconds=5, once=True, json=True)
_AUDIENCES: Mapping[str, post_pb2.Audience.ValueType] = {
    "public": post_pb2.AUDIENCE_PUBLIC,
    "followers": post_pb2.AUDIENCE_FOLLOWERS,
    "close_friends": post_pb2.AUDIENCE_CLOSE_FRIENDS,
}
_PLAIN_FIELDS = ("title", "caption", "comments_off")


@routes.add(
    "POST /v1/posts", "createPost", "Publish", answers.Post, status=201, problems=(404, 409), policy=_CREATE, etag=True
)
async def create(here: HereDep, body: requests.NewPost) -> Response:
    return await publish(here, body)


@routes.add(
    "POST /v1/me/feed",
    "publishToFeed",
    "Publish: the same as createPost",
    answers.Post,
    status=201,
    problems=(404, 409),
    policy=_CREATE,
    etag=True,
)
async def create_in_feed(here: HereDep, body: requests.NewPost) -> Response:
    return await publish(here, body)


@routes.add("GET /v1/posts/{post_id}", "getPost", "Read a post", answers.Post, problems=(404,), policy=_READ, etag=True)
async def get(here: HereDep, post_id: Id) -> Response:
    asked = post_pb2.GetPostRequest(viewer_id=here.viewer_id, post_id=post_id)
    post = (await here.services.post.GetPost(asked)).post
    return here.read(here.render.post(post), post.etag)


@routes.add(
    "PATCH /v1/posts/{post_id}",
    "updatePost",
    "Change a post",
    answers.Post,
    problems=(403, 404, 412),
    policy=Policy(scope="write", json=True),
    etag=True,
)
async def update(here: HereDep, post_id: Id, body: requests.PostChange) -> Response:
    changed = body.model_fields_set
    asked = post_pb2.UpdatePostRequest(
        viewer_id=here.viewer.id,
        post=post_pb2.Post(
            id=post_id,
            location=_location(body.location),
            audience=_AUDIENCES[body.audience],
            **{name: getattr(body, name) for name in _PLAIN_FIELDS},
        ),
        etag=etags.version_to_match(here.request.headers.get("if-match")),
    )
    asked.update_mask.paths.extend(sorted(changed))
    post = (await here.services.post.UpdatePost(asked)).post
    await here.notes.post_changed(post_id)
    return here.read(here.render.post(post), post.etag)


@routes.add("DELETE /v1/posts/{post_id}", "deletePost", "Delete a post", status=204, problems=(403, 404), policy=_WRITE)
async def delete(here: HereDep, post_id: Id) -> Response:
    await here.services.post.DeletePost(post_pb2.DeletePostRequest(viewer_id=here.viewer.id, post_id=post_id))
    await here.notes.post_changed(post_id)
    return nothing()


@routes.add(
    "GET /v1/users/{user_id}/posts",
    "listUserPosts",
    "Posts of a user, newest first",
    lists.Posts,
    problems=(404,),
    policy=_READ,
)
async def by_author(page: PageDep, user_id: Id) -> Response:
    found = await page.here.services.post.ListAuthorPosts(
        post_pb2.ListAuthorPostsRequest(
            viewer_id=page.here.viewer_id, author_id=user_id, page_size=page.limit, page_token=page.token
        )
    )
    return _page_of(page, found)


@routes.add("GET /v1/tags/{tag}/posts", "listTagPosts", "Posts with a tag, newest first", lists.Posts, policy=_READ)
async def by_tag(page: PageDep, tag: Annotated[Text, Path(max_length=200)]) -> Response:
    found = await page.here.services.post.ListTagPosts(
        post_pb2.ListTagPostsRequest(
            viewer_id=page.here.viewer_id, tag=tag, page_size=page.limit, page_token=page.token
        )
    )
    return _page_of(page, found)


@routes.add("PUT /v1/posts/{post_id}/like", "likePost", "Like", answers.Liked, problems=(404,), policy=_WRITE)
async def like(here: HereDep, post_id: Id) -> Response:
    asked = post_pb2.LikePostRequest(viewer_id=here.viewer.id, post_id=post_id)
    now = await here.services.post.LikePost(asked)
    await here.notes.liked(here.viewer.id, post_id, now.change_id, liked=True)
    return answer(render.liked(now.counts, now.viewer))


@routes.add(
    "DELETE /v1/posts/{post_id}/like", "unlikePost", "Take a like back", answers.Liked, problems=(404,), policy=_WRITE
)
async def unlike(here: HereDep, post_id: Id) -> Response:
    asked = post_pb2.UnlikePostRequest(viewer_id=here.viewer.id, post_id=post_id)
    now = await here.services.post.UnlikePost(asked)
    await here.notes.liked(here.viewer.id, post_id, now.change_id, liked=False)
    return answer(render.liked(now.counts, now.viewer))


@routes.add(
    "GET /v1/posts/{post_id}/likes",
    "listLikes",
    "Who likes a post, newest first",
    lists.Users,
    problems=(404,),
    policy=_READ,
)
async def likes(page: PageDep, post_id: Id) -> Response:
    here = page.here
    found = await here.services.post.ListLikes(
        post_pb2.ListLikesRequest(
            viewer_id=here.viewer_id, post_id=post_id, page_size=page.limit, page_token=page.token
        )
    )
    cursor, headers = page.next(found.next_page_token)
    return answer(lists.Users([here.render.user(liker) for liker in found.profiles], cursor), headers=headers)


async def publish(here: Here, body: requests.NewPost) -> Response:
    asked = post_pb2.CreatePostRequest(
        viewer_id=here.viewer.id,
        media_ids=body.media_ids,
        title=body.title,
        caption=body.caption,
        location=_location(body.location),
        audience=_AUDIENCES[body.audience],
        comments_off=body.comments_off,
        request_id=here.creation_id,
    )
    post = (await here.services.post.CreatePost(asked)).post
    await here.notes.posted(here.viewer.id, post.id)
    return answer(here.render.post(post), 201, {"Location": f"/v1/posts/{post.id}"})


def _location(place: requests.Location | None) -> post_pb2.Location | None:
    return post_pb2.Location(name=place.name, latitude=place.lat, longitude=place.lon) if place else None


def _page_of(page: Page, found: post_pb2.ListAuthorPostsResponse | post_pb2.ListTagPostsResponse) -> Response:
    cursor, headers = page.next(found.next_page_token)
    return answer(lists.Posts([page.here.render.post(post) for post in found.posts], cursor), headers=headers)
