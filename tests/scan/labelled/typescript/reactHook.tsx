import { useCallback, useState, type ReactElement } from 'react';
import { create } from 'zustand';

interface Run {
  id: string;
  status: 'Running' | 'Completed';
}

const useRuns = create<{ runs: Run[]; update: (run: Run) => void }>((set) => ({
  runs: [],
  update: (run) => set((state) => ({ runs: [...state.runs, run] })),
}));

export function RunTable(): ReactElement {
  const { runs, update } = useRuns();
  const [selected, setSelected] = useState<string | null>(null);
  const createRun = useCallback(() => update({ id: crypto.randomUUID(), status: 'Running' }), [update]);

  return (
    <table title="Client Run Results">
      <tbody>
        {runs.map((run) => (
          <tr key={run.id} onClick={() => setSelected(run.id)}><td>{run.id === selected ? '*' : run.status}</td></tr>
        ))}
      </tbody>
      <caption onClick={createRun}>new</caption>
    </table>
  );
}
