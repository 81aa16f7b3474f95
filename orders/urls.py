"""The orders' paths under `/api/v2`."""

from django.urls import path

from orders.views import dashboard, orders, shipping, webhooks

urlpatterns = [
    path("orders", orders.OrdersView.as_view()),
    path("orders/<uuid:order_id>", orders.OrderView.as_view()),
    path("orders/<uuid:order_id>/pay", orders.PayView.as_view()),
    path("orders/<uuid:order_id>/rates", shipping.RatesView.as_view()),
    path("orders/<uuid:order_id>/label", shipping.LabelView.as_view()),
    path("orders/<uuid:order_id>/ship", orders.ShipView.as_view()),
    path("orders/<uuid:order_id>/deliver", orders.DeliverView.as_view()),
    path("orders/<uuid:order_id>/cancel", orders.CancelView.as_view()),
    path("orders/<uuid:order_id>/archive", orders.ArchiveView.as_view()),
    path("webhooks", webhooks.WebhooksView.as_view()),
    path("webhooks/<uuid:endpoint_id>", webhooks.WebhookDetailView.as_view()),
    path("webhooks/<uuid:endpoint_id>/secret", webhooks.SecretView.as_view()),
    path("webhooks/<uuid:endpoint_id>/test", webhooks.TestView.as_view()),
    path("webhooks/<uuid:endpoint_id>/deliveries", webhooks.DeliveriesView.as_view()),
    path(
        "webhooks/<uuid:endpoint_id>/deliveries/<uuid:delivery_id>/replay",
        webhooks.ReplayView.as_view(),
    ),
    path("dashboard", dashboard.DashboardView.as_view()),
]
