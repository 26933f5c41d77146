import express from 'express';

import { routes } from './http/routes.js';

async function main(): Promise<void> {
  const app = express();
  app.use(express.json());
  app.use(routes);
  app.listen(Number(process.env.PORT ?? 3000));
}

void main();
