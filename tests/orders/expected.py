"""What the API should answer for orders of the database, written without its serializers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from orders.models import Order, OrderLine
from shelfwise.tenancy.scope import tenant_scope
from tests.catalog.expected import wire_time

_SHOWN = {"pending": "pending", "bought": "labelled", "failed": "failed", "void": "void"}


def order_of(order: Order) -> dict[str, Any]:
    """An order as JSON reads it, from fresh rows. Two queries."""
    with tenant_scope(order.tenant_id):
        row = Order.objects.get(id=order.id)
        lines = list(OrderLine.objects.filter(order=order).order_by("position"))
    payment = {
        "state": row.payment_state or ("paid" if row.paid_at else None),
        "reference": row.payment_reference,
        "paid_at": _time(row.paid_at),
        "problem": row.payment_problem,
    }
    failed = row.label_state == "failed"
    shipment = {
        "state": _state_of_shipment(row),
        "carrier": row.carrier,
        "tracking_number": row.tracking_number,
        "label_url": row.label_url,
        "problem": row.label_problem if failed and not row.shipped_at else None,
        "shipped_at": _time(row.shipped_at),
        "delivered_at": _time(row.delivered_at),
    }
    named = row.customer_name or row.customer_email
    return {
        "id": str(row.id),
        "number": row.number,
        "status": row.status,
        "currency": row.currency,
        "items": [_line_of(line) for line in lines],
        "total": float(row.total),
        "customer": {"name": row.customer_name, "email": row.customer_email} if named else None,
        "shipping_address": row.shipping_address,
        "note": row.note,
        "payment": payment if payment["state"] else None,
        "shipment": shipment if shipment["state"] else None,
        "created_at": wire_time(row.created_at),
        "updated_at": wire_time(row.updated_at),
    }


def _state_of_shipment(row: Order) -> str | None:
    if row.delivered_at:
        return "delivered"
    return "shipped" if row.shipped_at else _SHOWN.get(row.label_state or "")


def _line_of(line: OrderLine) -> dict[str, Any]:
    return {
        "book_id": str(line.book_id),
        "isbn": line.isbn,
        "title": line.title,
        "quantity": line.quantity,
        "unit_price": float(line.unit_price),
        "line_total": float(line.line_total),
    }


def _time(moment: datetime | None) -> str | None:
    return wire_time(moment) if moment else None
