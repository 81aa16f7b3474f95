"""A tenant's system that webhooks are sent to: it verifies them and keeps a log of them."""

from collections import OrderedDict, deque
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError
from standardwebhooks.webhooks import EmptyWebhookSecretError

from shelfwise.devservers.partners.exchange import Answer, Refused, Request
from shelfwise.devservers.partners.ledger import not_found, now

_MOST_RECEIVERS = 100
_MOST_DELIVERIES = 20_000
_LONGEST_BODY = 64 * 1024
_KEPT_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature", "content-type")


class _Receiver:
    def __init__(self) -> None:
        self.secret = ""
        self.ids: set[str] = set()
        self.log: deque[dict[str, Any]] = deque(maxlen=_MOST_DELIVERIES)

    def take(self, request: Request) -> Answer:
        identity = request.headers.get("webhook-id", "")
        is_verified = _is_verified(request, self.secret) if self.secret else None
        entry = {
            "id": identity,
            "at": now(),
            "verified": is_verified,
            "duplicate": identity in self.ids,
            "headers": {n: v for n, v in request.headers.items() if n in _KEPT_HEADERS},
            "body": request.body[:_LONGEST_BODY].decode(errors="replace"),
        }
        self.log.append(entry)
        if is_verified is False:
            raise Refused(HTTPStatus.UNAUTHORIZED, "bad_signature", "The signature is not ours.")
        self.ids.add(identity)
        return Answer(HTTPStatus.NO_CONTENT)


class Receivers:
    """Each has a name of its own, and exists from the first time that it is named."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self._named: OrderedDict[str, _Receiver] = OrderedDict()

    def ledger(self) -> Mapping[str, Any]:
        return {name: list(receiver.log) for name, receiver in self._named.items()}

    def answer(self, request: Request) -> Answer:
        """What was refused stands in the log too, with `verified` false. Raises Refused."""
        if request.method != "POST" or len(request.segments) != 1 or not request.segments[0]:
            raise not_found("receiver")
        return self.named(request.segments[0]).take(request)

    def tell(self, name: str, secret: str) -> None:
        """From now on it takes only what is signed with the secret. Raises Refused."""
        try:
            Webhook(secret)
        except (ValueError, EmptyWebhookSecretError):
            raise Refused(
                HTTPStatus.UNPROCESSABLE_ENTITY, "bad_secret", "A secret is whsec_ and base64."
            ) from None
        self.named(name).secret = secret

    def log(self, name: str) -> list[dict[str, Any]]:
        return list(self.named(name).log)

    def named(self, name: str) -> _Receiver:
        if name not in self._named and len(self._named) >= _MOST_RECEIVERS:
            self._named.popitem(last=False)
        return self._named.setdefault(name, _Receiver())


def _is_verified(request: Request, secret: str) -> bool:
    try:
        Webhook(secret).verify(request.body, dict(request.headers), json_parse=False)
    except (WebhookVerificationError, ValueError):  # the latter for a signature without a comma
        return False
    return True
