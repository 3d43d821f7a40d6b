"""``GET /health``: can the desk's database be read?"""

from __future__ import annotations

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from clinic.people.access import EVERYBODY, open_to


@open_to(EVERYBODY)
def health(request: HttpRequest) -> HttpResponse:
    """200 and ``ok``, or 503 and ``no database``."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM people_person")
    except Error:
        return JsonResponse({"status": "no database"}, status=503)
    return JsonResponse({"status": "ok"})
