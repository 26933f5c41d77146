from django import forms
from django.http import HttpResponse
from django.urls import path
from django.views.generic import TemplateView


class RunForm(forms.Form):
    run_id = forms.CharField()
    client_id = forms.CharField()


class CreateRunView(TemplateView):
    template_name = "runs/create.html"


def update_run(request, run_id):
    form = RunForm({"run_id": run_id, **request.GET.dict()})
    if not form.is_valid():
        return HttpResponse(status=400)
    request.session.update(form.cleaned_data)
    return HttpResponse("kept in the session")


urlpatterns = [path("create/", CreateRunView.as_view()), path("update/<run_id>/", update_run)]
