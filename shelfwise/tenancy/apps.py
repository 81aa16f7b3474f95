from django.apps import AppConfig


class TenancyConfig(AppConfig):
    name = "shelfwise.tenancy"
    verbose_name = "Tenants and people"
