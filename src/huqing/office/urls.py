"""All addresses of the office."""

from huqing.office.views import audit, editing, home, households, regions, search, users

app_name = "office"

urlpatterns = [
    *home.urlpatterns,
    *households.urlpatterns,
    *editing.urlpatterns,
    *search.urlpatterns,
    *regions.urlpatterns,
    *users.urlpatterns,
    *audit.urlpatterns,
]
