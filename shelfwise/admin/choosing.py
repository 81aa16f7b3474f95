"""Operators choose the tenant that they look after."""

from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse

from shelfwise.admin.access import CHOSEN_TENANT, is_operator
from shelfwise.tenancy.models import Tenant

MOST_SHOWN = 50


class _SearchForm(forms.Form):
    q = forms.CharField(max_length=200, required=False)


class _ChoiceForm(forms.Form):
    """Without a tenant: none any more."""

    tenant = forms.UUIDField(required=False)
    next = forms.CharField(max_length=2000, required=False)


def choose_tenant(request: HttpRequest) -> HttpResponse:
    """GET: the tenants whose slug or name holds `q`, up to 50. POST: works in one from here on."""
    if not is_operator(request):
        raise PermissionDenied
    if request.method == "POST":
        return _choose(request)
    search = _SearchForm(request.GET)
    wanted = search.cleaned_data["q"] if search.is_valid() else ""
    found = Tenant.objects.filter(Q(slug__icontains=wanted) | Q(name__icontains=wanted))
    tenants = list(found.order_by("slug")[: MOST_SHOWN + 1])
    context = {
        **admin.site.each_context(request),
        "title": "Choose a tenant",
        "tenants": tenants[:MOST_SHOWN],
        "more": len(tenants) > MOST_SHOWN,
        "q": wanted,
        "next": _place(request.GET.get("next", "")),
    }
    return TemplateResponse(request, "admin/choose_tenant.html", context)


def asking_to_choose(request: HttpRequest) -> HttpResponse:
    """Sends an operator to choose, and back to where they were going."""
    place = urlencode({"next": request.get_full_path()})
    return HttpResponseRedirect(f"{reverse('admin:choose_tenant')}?{place}")


def _choose(request: HttpRequest) -> HttpResponse:
    form = _ChoiceForm(request.POST)
    chosen: UUID | None = form.cleaned_data["tenant"] if form.is_valid() else None
    if chosen is None:
        request.session.pop(CHOSEN_TENANT, None)
    else:
        request.session[CHOSEN_TENANT] = str(get_object_or_404(Tenant, id=chosen).id)
    return HttpResponseRedirect(_place(form.cleaned_data.get("next") or ""))


def _place(path: str) -> str:
    """A page of the admin; its first one where the path leads anywhere else."""
    index = reverse("admin:index")
    return path if path.startswith(index) and "\\" not in path and "//" not in path else index
