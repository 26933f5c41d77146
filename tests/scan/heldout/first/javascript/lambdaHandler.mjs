import Airtable from 'airtable';
import { SQSClient, SendMessageCommand } from '@aws-sdk/client-sqs';

const sqs = new SQSClient({});
let table;

function runsTable() {
  if (!table) {
    table = new Airtable({ apiKey: process.env.KEY }).base(process.env.BASE)('Client Run Results');
  }
  return table;
}

export const handler = async (event) => { // expect: no-start
  const body = JSON.parse(event.body);
  switch (event.requestContext.http.method) {
    case 'POST': {
      const record = await runsTable().create({ 'Run ID': body.runId }); // expect: creation
      await sqs.send(new SendMessageCommand({ QueueUrl: process.env.QUEUE, MessageBody: record.id }));
      return { statusCode: 201, body: record.id };
    }
    case 'PATCH':
      await runsTable().update(body.id, body.fields); // expect: update
      return { statusCode: 204 };
    default:
      return { statusCode: 405 };
  }
};
