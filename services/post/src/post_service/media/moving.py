"""Variants change their place when their post's audience does, and go when it is deleted: old addresses die."""

import asyncio

from kit import faults

from post_service.media.desk import Desk
from post_service.model.media import MediaState, Medium, fits, place_of
from post_service.model.visibility import Profile
from post_service.service.publishing import media_changed, publish_if_settled
from post_service.store import media as rows
from post_service.store import processing


async def move(desk: Desk, medium: Medium, author: Profile, *, for_all: bool) -> None:
    """Copies the variants to a place of the right kind under a new key and switches to it; the old place is noted for
    removal in the same transaction."""
    place = medium.next_place
    if not fits(place, open_to_all=for_all):
        if place:  # begun for an audience that has changed again
            await desk.files.delete_folder(place)
        place = place_of(open_to_all=for_all, key=desk.random_key())
        if not await desk.progress.choose_next_place(medium, place):
            return  # someone else was faster: look again
    copies = (desk.files.copy(f"{medium.place}/{made.name}", f"{place}/{made.name}") for made in medium.variants)
    await asyncio.gather(*copies)
    faults.point("media_mid_move")
    async with desk.truth.transaction() as tx:
        await tx.lock_author(medium.author_id)
        current = await rows.reload(tx.conn, medium.author_id, medium.id)
        if current is None or current.state is not MediaState.READY:
            await desk.files.delete_folder(place)  # the purge may have come before the last copies
            return
        if current.next_place != place:
            return
        await processing.switch_place(tx.conn, medium)
        await media_changed(tx, medium.author_id, current.post_id)
        await publish_if_settled(tx, author, current.post_id)
    await desk.renew(current.post_id)


async def drop_old_place(desk: Desk, medium: Medium) -> None:
    await desk.files.delete_folder(medium.old_place)
    await desk.progress.forget_old_place(medium)


async def purge(desk: Desk, medium: Medium) -> None:
    """Removes every byte of a medium that nobody may see any more; the original unless another medium needs it."""
    for place in filter(None, (medium.place, medium.next_place, medium.old_place)):
        await desk.files.delete_folder(place)
    await desk.files.delete(medium.upload_key)
    async with desk.truth.transaction() as tx:
        if await processing.release_original(tx.conn, medium):
            await desk.files.delete(medium.original_key)
    await desk.progress.forget_places(medium)
