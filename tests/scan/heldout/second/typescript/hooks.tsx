import React, { useEffect, useReducer, useState } from 'react';

interface Run {
  id: string;
  status: string;
}
type Action = { type: 'create'; run: Run } | { type: 'update'; id: string; status: string };

function reducer(runs: Run[], action: Action): Run[] {
  switch (action.type) {
    case 'create':
      return [...runs, action.run];
    case 'update':
      return runs.map((run) => (run.id === action.id ? { ...run, status: action.status } : run));
  }
}

export interface RunStore {
  create(run: Run): void;
  update(id: string, status: string): void;
}

export function Runs({ store }: { store: RunStore }) {
  const [runs, dispatch] = useReducer(reducer, []);
  const [open, setOpen] = useState(false);
  useEffect(() => {
    store.create({ id: '1', status: 'running' });
    store.update('1', 'done');
  }, [store]);
  return <button onClick={() => { setOpen(!open); dispatch({ type: 'update', id: '1', status: 'x' }); }}>{runs.length}</button>;
}
