// Shows runs, and takes late results, over HTTP.
const express = require("express");
const { createRun, findRun, updateRun } = require("./runs");

const app = express();
app.use(express.json());

app.get("/runs/:day/:clientId", async (request, response) => {
  const { day, clientId } = request.params;
  const runId = `1-${day}`;
  let recordId = await findRun(runId, clientId);
  if (!recordId) {
    recordId = await createRun(runId, clientId);
  }
  response.json({ record: recordId });
});

app.post("/runs/:day/:clientId/leads", async (request, response) => {
  const { day, clientId } = request.params;
  await updateRun(`${day}-1`, clientId, { Leads: request.body.leads });
  response.json({ status: "updated" });
});

module.exports = { app };
