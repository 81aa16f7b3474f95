"""The catalogue's paths under `/api/v2`."""

from django.urls import path

from catalog import views

urlpatterns = [
    path("books", views.BooksView.as_view()),
    path("books/batch-get", views.BookBatchView.as_view()),
    path("books/by-isbn/<str:isbn>", views.BookByIsbnView.as_view()),
    path("books/<uuid:book_id>", views.BookView.as_view()),
    path("authors", views.AuthorsView.as_view()),
    path("authors/<uuid:record_id>", views.AuthorView.as_view()),
    path("authors/<uuid:record_id>/books", views.AuthorBooksView.as_view()),
    path("publishers", views.PublishersView.as_view()),
    path("publishers/<uuid:record_id>", views.PublisherView.as_view()),
    path("publishers/<uuid:record_id>/books", views.PublisherBooksView.as_view()),
    path("categories", views.CategoriesView.as_view()),
    path("categories/<uuid:record_id>", views.CategoryView.as_view()),
    path("categories/<uuid:record_id>/books", views.CategoryBooksView.as_view()),
]
