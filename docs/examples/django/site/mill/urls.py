from django.urls import path

from . import views

urlpatterns = [
    path("", views.enter),
    path("room/<slug:room>/", views.room),
    path("room/<slug:room>/announce/", views.announce),
]
