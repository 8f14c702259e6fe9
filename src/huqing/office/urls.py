"""All addresses of the office."""

from huqing.office.views import (
    alert_export,
    alerts,
    audit,
    bills,
    editing,
    home,
    households,
    imports,
    links,
    members,
    methods,
    parameters,
    phones,
    regions,
    rules,
    search,
    simulations,
    users,
    visit_tables,
    visits,
)

app_name = "office"

urlpatterns = [
    *home.urlpatterns,
    *households.urlpatterns,
    *editing.urlpatterns,
    *members.urlpatterns,
    *bills.urlpatterns,
    *alert_export.urlpatterns,
    *alerts.urlpatterns,
    *imports.urlpatterns,
    *links.urlpatterns,
    *rules.urlpatterns,
    *methods.urlpatterns,
    *parameters.urlpatterns,
    *simulations.urlpatterns,
    *search.urlpatterns,
    *regions.urlpatterns,
    *phones.urlpatterns,
    *visits.urlpatterns,
    *visit_tables.urlpatterns,
    *users.urlpatterns,
    *audit.urlpatterns,
]
