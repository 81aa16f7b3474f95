"""The catalogue's paths under `/api/v2`."""

from django.urls import path

from catalog.views import books, bulk, lookup, records, search, stock

urlpatterns = [
    path("books", books.BooksView.as_view()),
    path("books/search", search.BookSearchView.as_view()),
    path("books/suggest", search.BookSuggestView.as_view()),
    path("books/batch-get", books.BookBatchView.as_view()),
    path("books/by-isbn/<str:isbn>", books.BookByIsbnView.as_view()),
    path("books/lookup", lookup.BookLookupView.as_view()),
    path("books/bulk-update", bulk.BulkUpdateView.as_view()),
    path("books/<uuid:book_id>/stock", stock.BookStockView.as_view()),
    path("books/<uuid:record_id>", books.BookView.as_view()),
    path("stock", stock.StockView.as_view()),
    path("authors", records.AuthorsView.as_view()),
    path("authors/<uuid:record_id>", records.AuthorView.as_view()),
    path("authors/<uuid:record_id>/books", records.AuthorBooksView.as_view()),
    path("publishers", records.PublishersView.as_view()),
    path("publishers/<uuid:record_id>", records.PublisherView.as_view()),
    path("publishers/<uuid:record_id>/books", records.PublisherBooksView.as_view()),
    path("categories", records.CategoriesView.as_view()),
    path("categories/<uuid:record_id>", records.CategoryView.as_view()),
    path("categories/<uuid:record_id>/books", records.CategoryBooksView.as_view()),
]
