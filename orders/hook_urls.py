"""The paths under `/hooks`, where partners tell that there is news."""

from django.urls import path

from orders.views import hooks

urlpatterns = [
    path("payment", hooks.PaymentHookView.as_view()),
    path("shipping", hooks.ShippingHookView.as_view()),
]
