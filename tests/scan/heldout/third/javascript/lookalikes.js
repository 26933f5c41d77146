const crypto = require('crypto');
const { createSlice, configureStore } = require('@reduxjs/toolkit');

const runs = createSlice({
  name: 'runs',
  initialState: {},
  reducers: {
    create(state, { payload }) {
      state[payload.id] = payload;
    },
    update(state, { payload }) {
      if (!state[payload.id]) state[payload.id] = {};
      Object.assign(state[payload.id], payload);
    },
  },
});

const store = configureStore({ reducer: { runs: runs.reducer } });

function hashOf(run) {
  return crypto.createHash('sha1').update(JSON.stringify(run)).digest('hex');
}

class RunList {
  #items = new Map();
  create(run) {
    this.#items.set(run.id, run);
    return run;
  }
  update(run) {
    if (!this.#items.has(run.id)) return this.create(run);
    return Object.assign(this.#items.get(run.id), run);
  }
}

async function refresh(list) {
  const answer = await fetch('https://runs.example.com/v0/app/Client%20Run%20Results', { method: 'POST', body: '{}' });
  for (const run of await answer.json()) {
    list.update(run);
    store.dispatch(runs.actions.update(run));
  }
}

const toast = (message) => document.createElement('div').append(`insert into client_runs: ${message}`);

module.exports = { RunList, hashOf, refresh, toast };
