import { useReducer, useState } from 'react';
import { useQueryClient } from '@tanstack/react-query';

export function RunList({ initial }) {
  const [runs, setRuns] = useState(initial);
  const [, dispatch] = useReducer((state, action) => ({ ...state, ...action }), {});
  const client = useQueryClient();

  const updateRun = (id, fields) => {
    setRuns((old) => old.map((run) => (run.id === id ? { ...run, ...fields } : run)));
    dispatch({ type: 'update', id });
    client.setQueryData(['Client Run Results', id], fields);
  };

  const createRun = () => setRuns((old) => [...old, { id: old.length, Status: 'Running' }]);

  return (
    <ul>
      {runs.map((run) => (
        <li key={run.id} onClick={() => updateRun(run.id, { Status: 'Completed' })}>{run.id}</li>
      ))}
      <button onClick={createRun}>base(&apos;Client Run Results&apos;).create()</button>
    </ul>
  );
}
