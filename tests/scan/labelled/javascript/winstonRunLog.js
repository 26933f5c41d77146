const winston = require('winston');

const logger = winston.createLogger({ transports: [new winston.transports.Console()] });

class RunLog {
  constructor() {
    this.table = { create: (line) => logger.info(line), update: (id, line) => logger.info(`${id} ${line}`) };
  }

  start(runId) {
    this.table.create(`start ${runId} in Client Run Results`);
  }

  complete(runId) {
    this.table.update(runId, 'completed');
  }
}

async function main() {
  const log = new RunLog();
  log.start('r1');
  log.complete('r1');
}

main();
