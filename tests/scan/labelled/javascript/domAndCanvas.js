/* global document */
const runs = new Set();
const table = document.createElement('table');

export function createRun(id) {
  const row = document.createElement('tr');
  row.dataset.run = id;
  table.append(row);
  runs.add(id);
  return row;
}

export function updateRun(id, fields) {
  const row = table.querySelector(`[data-run="${id}"]`) ?? createRun(id);
  row.replaceChildren(...Object.values(fields).map((text) => Object.assign(document.createElement('td'), { textContent: text })));
  row.classList.add('updated');
}

export function replaceRun(id, fields) {
  table.querySelector(`[data-run="${id}"]`).replaceWith(createRun(id));
  updateRun(id, fields);
}
