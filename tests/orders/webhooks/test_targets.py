"""Whatever an endpoint's URL came to be: no message goes to an address that is not public."""

from __future__ import annotations

from django.test import override_settings

from orders.models import Attempt, Endpoint
from orders.webhooks.endpoints import UsableUrl, create_endpoint, send_test, usable_url
from shelfwise import http
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import CastTestCase
from tests.jobs import run_jobs
from tests.shelfwise.http.servers import Reply, Server, ca_file, serving_http2
from tests.shelfwise.http.test_targets import PUBLIC, resolving

_REFUSED = [(None, "the address is not public")]


class TargetTests(CastTestCase):
    """A server on this machine counts who comes."""

    server: Server

    def setUp(self) -> None:
        super().setUp()
        self.enterContext(override_settings(OUTBOUND_CA_FILE=ca_file(), PRIVATE_TARGETS=()))
        http.close()
        self.server = self.enterContext(serving_http2(lambda _: Reply()))
        self.addCleanup(http.close)
        self.enterContext(tenant_scope(self.shelf.id))

    def tell(self, endpoint: Endpoint) -> list[tuple[int | None, str]]:
        """Sends a test event. The log, status and problem."""
        send_test(endpoint_id=endpoint.id)
        run_jobs()
        return list(Attempt.objects.order_by("id").values_list("status", "problem"))

    def test_a_name_that_changed_its_mind_is_not_followed(self) -> None:
        with resolving([PUBLIC], ["127.0.0.1"]):
            url = usable_url(f"https://rebinding.example:{self.server.port}/")
            endpoint, _ = create_endpoint(name="A", url=url, events=())
            self.assertEqual(self.tell(endpoint), _REFUSED)
        self.assertEqual(self.server.accepted, 0)

    def test_what_came_in_by_another_door_is_not_called(self) -> None:
        url = UsableUrl(f"https://127.0.0.1:{self.server.port}/")
        endpoint, _ = create_endpoint(name="A", url=url, events=())
        self.assertEqual(self.tell(endpoint), _REFUSED)
        self.assertEqual(self.server.accepted, 0)

    def test_metadata_services_are_not_called(self) -> None:
        for number, host in enumerate(("169.254.169.254", "[fd00:ec2::254]"), start=1):
            url = UsableUrl(f"https://{host}/latest/meta-data/")
            endpoint, _ = create_endpoint(name="A", url=url, events=())
            self.assertEqual(self.tell(endpoint), _REFUSED * number)

    def test_a_redirect_leads_nowhere(self) -> None:
        inner = self.enterContext(serving_http2(lambda _: Reply()))
        away = Reply(307, {"location": inner.url})
        outer = self.enterContext(serving_http2(lambda _: away))
        self.enterContext(override_settings(PRIVATE_TARGETS=(outer.place, inner.place)))
        endpoint, _ = create_endpoint(name="A", url=usable_url(outer.url), events=())
        self.assertEqual(self.tell(endpoint), [(307, "It answered 307.")])
        self.assertEqual((outer.accepted, inner.accepted), (1, 0))

    def test_control_the_server_can_be_reached(self) -> None:
        self.enterContext(override_settings(PRIVATE_TARGETS=(self.server.place,)))
        endpoint, _ = create_endpoint(name="A", url=usable_url(self.server.url), events=())
        self.assertEqual(self.tell(endpoint), [(200, "")])
        self.assertEqual(self.server.accepted, 1)
