"""The orders' paths under `/api/v2`."""

from django.urls import path

from orders.views import dashboard, orders

urlpatterns = [
    path("orders", orders.OrdersView.as_view()),
    path("orders/<uuid:order_id>", orders.OrderView.as_view()),
    path("orders/<uuid:order_id>/pay", orders.PayView.as_view()),
    path("orders/<uuid:order_id>/ship", orders.ShipView.as_view()),
    path("orders/<uuid:order_id>/deliver", orders.DeliverView.as_view()),
    path("orders/<uuid:order_id>/cancel", orders.CancelView.as_view()),
    path("orders/<uuid:order_id>/archive", orders.ArchiveView.as_view()),
    path("dashboard", dashboard.DashboardView.as_view()),
]
