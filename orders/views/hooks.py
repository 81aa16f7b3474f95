"""`/hooks/…`: partners say that there is news. What they say is not believed: they are asked.

Standard Webhooks (https://github.com/standard-webhooks/standard-webhooks): the signature is over
the id, the time and the body, compared in constant time, and counts for five minutes either way. A
message that is repeated or replayed has the partner asked once more, which changes nothing.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar, Final
from uuid import UUID

from django.conf import settings
from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from orders.payments.waking import look_again
from orders.shipping import attending
from shelfwise.api.errors import ApiProblem
from shelfwise.api.parameters import uuid
from shelfwise.api.parsers import parse_json, read_bounded
from shelfwise.api.views import ApiView

MOST_BYTES: Final = 64 * 1024


class BadSignature(ApiProblem):
    """401: it is not signed by the partner, or not just now."""

    status = HTTPStatus.UNAUTHORIZED
    code = "bad-signature"
    auth_header = "Webhook-Signature"

    def __init__(self) -> None:
        super().__init__("The signature is missing, wrong, or of another time.")


class HookView(ApiView):
    """POST by a partner who knows the secret of this name, without which there is nothing here.

    202 to whatever is signed, also of things that are not known here.
    """

    http_method_names = ["post"]
    schema = None  # partners' side of it is theirs to describe
    authentication_classes = ()
    permission_classes = ()
    secret: ClassVar[str]
    """The setting's name."""

    def post(self, request: Request) -> Response:
        body = verified(request, getattr(settings, self.secret))
        told = parse_json(body)
        data = told.get("data") if isinstance(told, Mapping) else None
        self.look(data if isinstance(data, Mapping) else {})
        return Response({}, status=HTTPStatus.ACCEPTED)

    def look(self, data: Mapping[str, Any]) -> None:
        """Has a job look at what the data names, if it is known here."""
        raise NotImplementedError


class PaymentHookView(HookView):
    secret = "PAYMENT_WEBHOOK_SECRET"  # noqa: S105 - a name

    def look(self, data: Mapping[str, Any]) -> None:
        """One query where nothing is known, four where a payment is looked at again."""
        if payment_id := uuid_in(data, "reference"):
            look_again(payment_id)


class ShippingHookView(HookView):
    secret = "SHIPPING_WEBHOOK_SECRET"  # noqa: S105 - a name

    def look(self, data: Mapping[str, Any]) -> None:
        """One query where nothing is known, three where the carrier is asked again."""
        if label_id := uuid_in(data, "reference"):
            attending.look_again(label_id)


def uuid_in(data: Mapping[str, Any], name: str) -> UUID | None:
    """The id of that name; None where there is none."""
    text = data.get(name)
    try:
        return uuid(text) if isinstance(text, str) else None
    except ValueError:
        return None


def verified(request: Request, secret: str) -> bytes:
    """The body, as it was signed. Raises Http404 where no secret is set, PayloadTooLarge, and
    BadSignature.
    """
    if not secret:
        raise Http404
    body = read_bounded(request._request, request.META, MOST_BYTES)
    try:
        Webhook(secret).verify(body, dict(request.headers), json_parse=False)
    except (WebhookVerificationError, ValueError):  # what is not base64, or not as it should be
        raise BadSignature from None
    return body
