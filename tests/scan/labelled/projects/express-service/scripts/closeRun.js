const { runs } = require('../src/services');

async function main() { // expect: no-start
  const [id, ...why] = process.argv.slice(2);
  if (why.length) await runs.failRun(id, why.join(' '));
  else await runs.completeRun(id);
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
