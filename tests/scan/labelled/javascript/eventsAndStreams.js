const { EventEmitter } = require('events');
const { createReadStream, createWriteStream } = require('fs');
const Stripe = require('stripe');

const stripe = new Stripe(process.env.STRIPE);

class RunProgress extends EventEmitter {
  constructor() {
    super();
    this.table = new Map();
  }

  create(runId) {
    this.table.set(runId, { runId });
    this.emit('create', runId);
  }

  update(runId, fields) {
    this.table.set(runId, { ...this.table.get(runId), ...fields });
    this.emit('update', runId);
  }
}

const progress = new RunProgress();
progress.create('r1');
progress.update('r1', { Status: 'Completed' });

async function bill(customer) {
  const invoice = await stripe.invoices.create({ customer });
  await stripe.customers.update(customer, { metadata: { run: 'Client Run Results' } });
  createReadStream('in').pipe(createWriteStream('out'));
  return invoice;
}

module.exports = { bill, progress };
