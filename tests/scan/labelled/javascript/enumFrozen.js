export const Table = Object.freeze({
  RUNS: 'Client Run Results',
  CLIENTS: 'Clients',
});

const { RUNS, CLIENTS } = Table;

export default function repositories(airtable) {
  const base = airtable.base('appMain');
  return {
    startRun: (fields) => base(RUNS).create(fields), // expect: creation
    endRun: (id) => base(Table.RUNS).update(id, { Status: 'Completed' }), // expect: update
    addClient: (fields) => base(CLIENTS).create(fields), // expect: creation@Clients
  };
}
