const crypto = require('crypto');
const { createSlice } = require('@reduxjs/toolkit');
const i18n = require('i18next');
const THREE = require('three');

const slice = createSlice({ name: 'runs', initialState: [], reducers: { update: (state, action) => action.payload } });

class RunList {
  constructor() {
    this.items = new Set();
  }
  create(item) {
    this.items.add(item);
    return this;
  }
  update(change) {
    this.items.forEach((item) => Object.assign(item, change));
  }
}

function sign(body) {
  return crypto.createHmac('sha256', 'k').update(body).digest('hex');
}

const runs = new RunList();
runs.create({ id: 1 });
runs.update({ state: 'done' });
i18n.store.update?.('runs');
new THREE.Clock().update?.();

const example = "runs.create({ id: 1 }) and INSERT INTO client_runs VALUES (1)";
console.log(example, sign('x'), slice.actions.update([]));

fetch('https://example.com/v0/app/Client%20Run%20Results', { method: 'POST', body: '{}' });
