import { configureStore, createSlice } from '@reduxjs/toolkit';

const slice = createSlice({
  name: 'Client Run Results',
  initialState: { records: [] },
  reducers: {
    create(state, action) {
      state.records.push(action.payload);
    },
    update(state, { payload }) {
      const record = state.records.find((each) => each.id === payload.id);
      if (!record) state.records.push(payload);
      else Object.assign(record, payload.fields);
    },
  },
});

export const { create, update } = slice.actions;
export const store = configureStore({ reducer: { runs: slice.reducer } });

export function start(runId) {
  store.dispatch(create({ id: runId }));
  store.dispatch(update({ id: runId, fields: { Status: 'Running' } }));
}
