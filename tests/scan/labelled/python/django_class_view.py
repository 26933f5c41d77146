from django.urls import path
from django.views import View
from django.http import JsonResponse
from pyairtable import Api


class RunView(View):
    table = Api("pat").table("app", "Client Run Results")

    def _patch(self, record_id, **fields):
        return self.table.update(record_id, fields)  # expect: update

    def post(self, request, record_id):
        return JsonResponse(self._patch(record_id, Status=request.POST["status"]))  # expect: updating-wrapper

    def get(self, request, record_id):
        return JsonResponse(self.table.get(record_id))


urlpatterns = [path("runs/<record_id>", RunView.as_view())]  # expect: no-start
