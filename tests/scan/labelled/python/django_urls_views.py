import json

from django.http import HttpResponseNotFound, JsonResponse
from django.urls import path
from pyairtable import Api
from pyairtable.formulas import match

runs = Api("pat").table("app", "Client Run Results")


def start_run(request):
    body = json.loads(request.body)
    return JsonResponse(runs.create(body))  # expect: creation


def finish_run(request, run_id):
    record = runs.first(formula=match({"Run ID": run_id}))
    if record is None:
        return HttpResponseNotFound()
    return JsonResponse(runs.update(record["id"], {"Status": "Completed"}))  # expect: update


urlpatterns = [
    path("runs/", start_run),
    path("runs/<str:run_id>/finish/", finish_run),  # expect: no-start
]
