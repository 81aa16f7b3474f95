"""The original design of the book list: FastAPI, async SQLAlchemy, orjson.

ShelfWise's list is measured against this, on the same tables, rows and tokens. It is written as its
authors would write it for production: a pooled engine, declarative models, `selectinload` for what
a book refers to, an orjson response, uvloop and httptools beneath. Where that left a choice, the
faster way was taken: the long text is deferred, the tenant's currency is kept in memory, and the
handler returns its response itself, since FastAPI's own encoder takes a tenth of the rate.
(`joinedload` would raise the rate by half; the design has `selectinload`.)

Environment: `DATABASE_URL` and `JWT_SIGNING_KEYS`, as ShelfWise's own.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

import jwt
import orjson
from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import ForeignKey, Numeric, String, make_url, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    deferred,
    mapped_column,
    relationship,
    selectinload,
)

SIGNING_KEY = os.environ["JWT_SIGNING_KEYS"].split(",")[0]
ISSUER = "shelfwise"
AUDIENCE = "shelfwise-api"
REQUIRED_CLAIMS = ["iss", "aud", "exp", "tenant"]

engine = create_async_engine(
    make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql+asyncpg"),
    pool_size=10,
    max_overflow=10,
)
sessions = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    """What the tables share."""


class Tenant(Base):
    """A bookshop."""

    __tablename__ = "tenancy_tenant"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str]
    name: Mapped[str]
    currency: Mapped[str] = mapped_column(String(3))


class Author(Base):
    """Who wrote a book, within one tenant."""

    __tablename__ = "catalog_author"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenancy_tenant.id"))
    name: Mapped[str]


class Publisher(Base):
    """Who brought a book out, within one tenant."""

    __tablename__ = "catalog_publisher"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenancy_tenant.id"))
    name: Mapped[str]


class Book(Base):
    """A title that a tenant sells."""

    __tablename__ = "catalog_book"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenancy_tenant.id"))
    title: Mapped[str]
    sort_title: Mapped[str]
    subtitle: Mapped[str | None]
    isbn: Mapped[str | None]
    reference: Mapped[str | None]
    price: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    author_id: Mapped[UUID | None] = mapped_column(ForeignKey("catalog_author.id"))
    publisher_id: Mapped[UUID | None] = mapped_column(ForeignKey("catalog_publisher.id"))
    published_on: Mapped[str | None]
    language: Mapped[str | None]
    format: Mapped[str | None]
    description: Mapped[str | None] = deferred(mapped_column())
    page_count: Mapped[int | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    author: Mapped[Author | None] = relationship()
    publisher: Mapped[Publisher | None] = relationship()


def exact_number(value: object) -> orjson.Fragment:
    """Write a decimal as a JSON number with every digit, which orjson does not do by itself."""
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    raise TypeError(f"not JSON: {type(value).__name__}")


class OrjsonResponse(JSONResponse):
    """FastAPI's former `ORJSONResponse`, which it has deprecated, with exact decimals."""

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content, default=exact_number, option=orjson.OPT_UTC_Z)


async def current_tenant(
    bearer: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())],
) -> UUID:
    """Verify the access token and name its tenant; 401 for a token that does not hold."""
    try:
        claims = jwt.decode(
            bearer.credentials,
            SIGNING_KEY,
            algorithms=["HS256"],
            audience=AUDIENCE,
            issuer=ISSUER,
            options={"require": REQUIRED_CLAIMS},
        )
        return UUID(claims["tenant"])
    except (jwt.InvalidTokenError, ValueError) as error:
        raise HTTPException(401, "invalid token") from error


async def current_session() -> AsyncIterator[AsyncSession]:
    """Lend a session for one request."""
    async with sessions() as session:
        yield session


CurrentTenant = Annotated[UUID, Depends(current_tenant)]
Session = Annotated[AsyncSession, Depends(current_session)]

_currencies: dict[UUID, str] = {}


async def currency_of(session: AsyncSession, tenant_id: UUID) -> str:
    """A tenant's currency; asked once a process, since it does not change."""
    if tenant_id not in _currencies:
        currency = await session.scalar(select(Tenant.currency).where(Tenant.id == tenant_id))
        if currency is None:
            raise HTTPException(401, "unknown tenant")
        _currencies[tenant_id] = currency
    return _currencies[tenant_id]


def list_item(book: Book, currency: str) -> dict[str, Any]:
    """The twelve fields of a book in a list."""
    author, publisher = book.author, book.publisher
    return {
        "id": str(book.id),
        "title": book.title,
        "subtitle": book.subtitle,
        "isbn": book.isbn,
        "price": book.price,
        "currency": currency,
        "author": {"id": str(author.id), "name": author.name} if author else None,
        "publisher": {"id": str(publisher.id), "name": publisher.name} if publisher else None,
        "published_on": book.published_on,
        "language": book.language,
        "format": book.format,
        "updated_at": book.updated_at,
    }


def encode_cursor(book: Book) -> str:
    """The place behind `book`, opaque to clients."""
    return base64.urlsafe_b64encode(orjson.dumps([book.sort_title, str(book.id)])).decode()


def decode_cursor(cursor: str) -> tuple[str, UUID]:
    """The place that a cursor names; 400 for one that names none."""
    try:
        sort_title, book_id = orjson.loads(base64.urlsafe_b64decode(cursor))
        return str(sort_title), UUID(book_id)
    except (binascii.Error, ValueError, TypeError, AttributeError) as error:
        raise HTTPException(400, "invalid cursor") from error


def next_url(request: Request, limit: int, last: Book) -> str:
    """Where the page after `last` is."""
    query = urlencode({"limit": limit, "cursor": encode_cursor(last)})
    return f"{request.url.scheme}://{request.url.netloc}{request.url.path}?{query}"


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Close the pool when the server stops."""
    yield
    await engine.dispose()


app = FastAPI(title="ShelfWise, the original design", lifespan=lifespan)


@app.get("/api/v2/books", response_class=OrjsonResponse)
async def list_books(
    request: Request,
    tenant_id: CurrentTenant,
    session: Session,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
) -> OrjsonResponse:
    """One page of the tenant's books by title."""
    currency = await currency_of(session, tenant_id)
    statement = (
        select(Book)
        .where(Book.tenant_id == tenant_id, Book.deleted_at.is_(None))
        .order_by(Book.sort_title, Book.id)
        .limit(limit + 1)
        .options(selectinload(Book.author), selectinload(Book.publisher))
    )
    if cursor is not None:
        statement = statement.where(tuple_(Book.sort_title, Book.id) > decode_cursor(cursor))
    books = (await session.scalars(statement)).all()
    page = books[:limit]
    return OrjsonResponse(
        {
            "next": next_url(request, limit, page[-1]) if len(books) > limit else None,
            "previous": None,
            "results": [list_item(book, currency) for book in page],
        }
    )
