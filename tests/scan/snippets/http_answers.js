// scan: runs = "Runs"
// Answers of a host that say that there was no record.
const U = 'https://api.airtable.com/v0/app1/Runs';
async function a(id) {
  const r = await fetch(`${U}/${id}`, { method: 'PATCH', body: '{}' }); // expect: update
  if (r.status === 404) {
    await fetch(U, { method: 'POST', body: '{}' }); // expect: recovery
  }
}
async function b(id) {
  const r = await fetch(`${U}/${id}`, { method: 'PATCH', body: '{}' }); // expect: update
  if (!r.ok) await fetch(U, { method: 'POST', body: '{}' }); // expect: recovery
}
async function c(id) {
  const r = await fetch(`${U}/${id}`);
  if (r.status === 404) await fetch(U, { method: 'POST', body: '{}' }); // expect: recovery
}
async function patch(id) {
  const r = await fetch(`${U}/${id}`, { method: 'PATCH', body: '{}' }); // expect: update
  if (r.status === 404) return false;
  return true;
}
async function d(id) {
  if (!(await patch(id))) await fetch(U, { method: 'POST', body: '{}' }); // expect: updating-wrapper, recovery
}
