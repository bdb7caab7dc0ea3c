"""The authorization server."""

from collections.abc import Sequence

from kit.server import Task

from user_service.rpc.oauth import OAuthRpc
from user_service.service.oauth.apps import Apps
from user_service.service.oauth.authorizing import Authorizing
from user_service.service.oauth.browsers import Browsers
from user_service.service.oauth.codes import Codes
from user_service.service.oauth.ending import Ending
from user_service.service.oauth.granting import Granting
from user_service.service.oauth.lasting import Lasting
from user_service.service.oauth.reading import Reading
from user_service.store.app_sessions import AppSessionStore
from user_service.store.apps import AppStore
from user_service.store.grants import GrantStore
from user_service.wiring.base import Base


def oauth_rpc_of(base: Base) -> tuple[OAuthRpc, Sequence[Task]]:
    postgres, accounts, sessions, clock = base.postgres, base.accounts, base.grants, base.clock
    apps, grants, app_sessions = AppStore(postgres), GrantStore(postgres), AppSessionStore()
    lasting = Lasting(clock, base.tokens.over_by)
    ending = Ending(postgres, grants, base.sessions, app_sessions, base.log, lasting)
    codes = Codes(postgres, apps, grants, accounts, app_sessions, sessions, ending, clock)
    reading = Reading(base.tokens, base.sessions, apps, clock)
    rpc = OAuthRpc(
        Apps(postgres, apps, app_sessions, accounts, base.log, lasting),
        Authorizing(postgres, apps, grants, base.log, clock),
        Browsers(grants, base.sign_in, sessions, base.entrance.devices, clock),
        Granting(apps, codes, reading, ending, sessions, base.tokens, lasting),
        ending,
        accounts,
    )
    return rpc, [codes.sweep]
