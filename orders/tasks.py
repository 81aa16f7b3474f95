"""The orders' jobs: each has a look at one thing, of which the row tells what there is to do."""

from uuid import UUID

from orders.payments import settling
from orders.payments.waking import wake_late as wake_late_payments
from orders.shipping import attending
from orders.webhooks import delivering, waking
from shelfwise.jobs import every, job
from shelfwise.tenancy.scope import tenant_scope


@job(queue="payments")
def settle_payment(*, tenant: str, payment: str) -> None:
    """Asks the provider what becomes of a payment."""
    with tenant_scope(UUID(tenant)):
        settling.settle(UUID(payment))


@every("* * * * *")
def wake_payments() -> None:
    """Those whose job was lost."""
    wake_late_payments()


@job(queue="shipping")
def attend_label(*, tenant: str, label: str) -> None:
    """Buys a label, or sees where its parcel is."""
    with tenant_scope(UUID(tenant)):
        attending.attend(UUID(label))


@every("* * * * *")
def wake_labels() -> None:
    """Those whose job was lost, and those to be looked at now and then."""
    attending.wake_late()


@job(queue="webhooks")
def deliver(*, tenant: str, endpoint: str) -> None:
    """Sends what is due at an endpoint."""
    with tenant_scope(UUID(tenant)):
        pause = delivering.deliver_to(UUID(tenant), UUID(endpoint))
        if pause is not None:
            once = f"{delivering.ONCE}{endpoint}"
            deliver.later(after=pause, once=once, tenant=tenant, endpoint=endpoint)


@every("* * * * *")
def wake_webhooks() -> None:
    """Those whose job was lost; and what has waited for too long is given up."""
    waking.wake_overdue()


@every("47 3 * * *")
def forget_events() -> None:
    waking.forget_old_events()
