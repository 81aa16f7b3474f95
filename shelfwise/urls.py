"""Every path of the service."""

from django.contrib import admin
from django.urls import include, path

from shelfwise.api.openapi import document
from shelfwise.auth.key_views import ApiKeysView, ApiKeyView, RotateView
from shelfwise.auth.views import RefreshView, TokenView
from shelfwise.observability import health
from shelfwise.observability.metrics import metrics

urlpatterns = [
    path("api/v2/auth/token", TokenView.as_view()),
    path("api/v2/auth/refresh", RefreshView.as_view()),
    path("api/v2/api-keys", ApiKeysView.as_view()),
    path("api/v2/api-keys/<uuid:key_id>", ApiKeyView.as_view()),
    path("api/v2/api-keys/<uuid:key_id>/rotate", RotateView.as_view()),
    path("api/v2/schema", document.SchemaView.as_view()),
    path("api/v2/docs", document.docs),
    path("api/v2/", include("catalog.urls")),
    path("api/v2/", include("orders.urls")),
    path("hooks/", include("orders.hook_urls")),
    path("admin/", admin.site.urls),
    path("metrics", metrics),
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("health/db", health.database),
]
