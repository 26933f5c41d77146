// Shows runs, and takes late results, over HTTP.
const express = require("express");
const { NOT_FOUND, showRun, updateRun } = require("./runs");

const app = express();
app.use(express.json());

app.get("/runs/:runId/:clientId", (request, response) => {
  response.json(showRun(request.params.runId, request.params.clientId));
});

app.post("/runs/:runId/:clientId/leads", (request, response) => {
  updateRun(request.params.runId, request.params.clientId, { Leads: request.body.leads });
  response.json({ status: "updated" });
});

app.use((error, request, response, next) => {
  if (error.status !== NOT_FOUND) return next(error);
  response.status(404).json({ error: error.stderr });
});

module.exports = { app };
