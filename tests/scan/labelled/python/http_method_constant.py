import requests

CREATE = "POST"
CHANGE = "PATCH"
BASE_URL = "https://api.airtable.com/v0/appZ/"


class AirtableHttp:
    def __init__(self, token, table="Client Run Results"):
        self.token = token
        self.url = BASE_URL + "Client Run Results"

    def create(self, fields):
        return requests.request(CREATE, self.url, json={"fields": fields}, timeout=10)  # expect: creation

    def change(self, record, fields):
        return requests.request(CHANGE, self.url + "/" + record, json={"fields": fields}, timeout=10)  # expect: update

    def look(self, record):
        return requests.request("GET", self.url + "/" + record, timeout=10)
