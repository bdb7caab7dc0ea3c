"""The queue of mail."""

import json

from kit.postgres import Connection

from user_service.model.mail import Mail

_INSERT = (
    "insert into mail_queue (user_id, recipient, template, variables, expires_at) values ($1, $2, $3, $4::jsonb, $5)"
)


class MailQueue:
    async def put(self, conn: Connection, mail: Mail) -> None:
        """In the transaction that gives reason for the letter: it goes out if that is committed."""
        await conn.execute(
            _INSERT, mail.user_id, mail.recipient, mail.template, json.dumps(dict(mail.variables)), mail.expires_at
        )
