"""Comments."""

from fastapi import Response
from heliograph.post.v1 import post_pb2

from gateway.here import HereDep, answer, nothing
from gateway.pages import Page, PageDep
from gateway.routing import Auth, Policy, Routes
from gateway.schemas import answers, lists, requests
from gateway.schemas.requests import Id

routes = Routes("Comments")


@routes.add(
    "POST /v1/posts/{post_id}/comments",
    "createComment",
    "Comment on a post, or answer a comment",
    answers.Comment,
    status=201,
    problems=(404, 409),
    policy=Policy(scope="write", once=True, json=True),
)
async def create(here: HereDep, post_id: Id, body: requests.NewComment) -> Response:
    made = await here.services.post.CreateComment(
        post_pb2.CreateCommentRequest(
            viewer_id=here.viewer.id,
            post_id=post_id,
            text=body.text,
            reply_to=body.reply_to or 0,
            request_id=here.creation_id,
        )
    )
    return answer(here.render.comment(made.comment), 201)


@routes.add(
    "GET /v1/posts/{post_id}/comments",
    "listComments",
    "Comments on a post without replies, oldest first",
    lists.Comments,
    problems=(404,),
    policy=Policy(Auth.OPTIONAL),
)
async def of_post(page: PageDep, post_id: Id) -> Response:
    found = await page.here.services.post.ListComments(
        post_pb2.ListCommentsRequest(
            viewer_id=page.here.viewer_id, post_id=post_id, page_size=page.limit, page_token=page.token
        )
    )
    return _page_of(page, found)


@routes.add(
    "GET /v1/comments/{comment_id}/replies",
    "listReplies",
    "Answers to a comment, oldest first",
    lists.Comments,
    problems=(404,),
    policy=Policy(Auth.OPTIONAL),
)
async def of_comment(page: PageDep, comment_id: Id) -> Response:
    found = await page.here.services.post.ListReplies(
        post_pb2.ListRepliesRequest(
            viewer_id=page.here.viewer_id, comment_id=comment_id, page_size=page.limit, page_token=page.token
        )
    )
    return _page_of(page, found)


@routes.add(
    "DELETE /v1/comments/{comment_id}",
    "deleteComment",
    "Delete a comment and its replies",
    status=204,
    problems=(403, 404),
    policy=Policy(scope="write"),
)
async def delete(here: HereDep, comment_id: Id) -> Response:
    asked = post_pb2.DeleteCommentRequest(viewer_id=here.viewer.id, comment_id=comment_id)
    await here.services.post.DeleteComment(asked)
    return nothing()


def _page_of(page: Page, found: post_pb2.ListCommentsResponse | post_pb2.ListRepliesResponse) -> Response:
    cursor, headers = page.next(found.next_page_token)
    items = [page.here.render.comment(comment) for comment in found.comments]
    return answer(lists.Comments(items, cursor), headers=headers)
