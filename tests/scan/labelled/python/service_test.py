from unittest import TestCase, mock

from pyairtable import Api


class RunServiceTest(TestCase):
    def setUp(self):
        self.table = Api("pat").table("appTest", "Client Run Results")
        self.record = self.table.create({"Run ID": "t"})

    def test_update(self):
        after = self.table.update(self.record["id"], {"Status": "Completed"})
        self.assertEqual(after["fields"]["Status"], "Completed")

    def test_without_network(self):
        table = mock.create_autospec(type(self.table))
        table.create({"Run ID": "m"})
        table.create.assert_called_once()
