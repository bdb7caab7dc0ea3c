"""Notifications."""

from fastapi import Response
from heliograph.notify.v1 import notify_pb2

from gateway.here import HereDep, answer, nothing
from gateway.pages import PageDep
from gateway.routing import Policy, Routes
from gateway.schemas import answers, lists, requests

routes = Routes("Notifications")


@routes.add("GET /v1/notifications", "listNotifications", "Notifications, newest first", lists.Notifications)
async def listed(page: PageDep) -> Response:
    here = page.here
    found = await here.services.notify.ListNotifications(
        notify_pb2.ListNotificationsRequest(viewer_id=here.viewer.id, page_size=page.limit, page_token=page.token)
    )
    cursor, headers = page.next(found.next_page_token)
    items = [here.render.notification(item) for item in found.notifications]
    return answer(lists.Notifications(items, cursor), headers=headers)


@routes.add(
    "POST /v1/notifications/read",
    "markNotificationsRead",
    "Mark all up to one as read",
    status=204,
    policy=Policy(scope="write", once=True, json=True),
)
async def read(here: HereDep, body: requests.ReadMark) -> Response:
    await here.services.notify.MarkRead(notify_pb2.MarkReadRequest(viewer_id=here.viewer.id, up_to_id=body.up_to))
    return nothing()


@routes.add(
    "GET /v1/notifications/unread-count", "countUnreadNotifications", "How many are unread", answers.UnreadCount
)
async def unread(here: HereDep) -> Response:
    found = await here.services.notify.GetUnreadCount(notify_pb2.GetUnreadCountRequest(viewer_id=here.viewer.id))
    return answer(answers.UnreadCount(found.count))
